import { parseCpus } from '../../lib/cpus.ts';
import { parseMemory } from '../../lib/size.ts';
import { splitWords } from '../parse/words.ts';
import { STACK_LIMITS } from './limits.ts';
import { NETWORKING_KEYS, networkingOf, type StackNetworking } from './networking.ts';
import { declaredNetworks, type StackNetwork } from './networks.ts';
import { type Entry, type Located, YamlReader } from './yaml-reader.ts';

/** One container of a stack file. */
export interface StackContainer {
  readonly name: string;
  /** Where it begins in the file. */
  readonly line: number;
  readonly image: string;
  readonly args: readonly string[];
  readonly networking: StackNetworking;
  readonly cpuClass: 'low' | 'high' | undefined;
  /** Billionths of a core; undefined: as the daemon has it. */
  readonly cpus: number | undefined;
  /** Bytes. */
  readonly memory: number | undefined;
  /** Undefined: placed by itself. */
  readonly group: string | undefined;
}

export type GroupPolicy = 'spread' | 'co-location';

export interface StackFile {
  readonly containers: readonly StackContainer[];
  readonly groups: readonly { readonly name: string; readonly policy: GroupPolicy }[];
  /** Those that the file declares. */
  readonly networks: readonly StackNetwork[];
}

/** The ancestor's keys (its `run FILE.yml`), of which `ram` is the older word for `memory`; `group` is ours. */
const KEYS = ['image', 'args', 'cpu_power', 'cpus', 'memory', 'ram', 'group_policy', 'group', 'name', ...NETWORKING_KEYS] as const;
type Key = (typeof KEYS)[number];
const GROUP_POLICIES: readonly GroupPolicy[] = ['spread', 'co-location'];
/** The ancestor's command line had these numbers for its two classes. */
const CPU_POWERS: Readonly<Record<string, 'low' | 'high'>> = { low: 'low', high: 'high', '0': 'low', '1': 'high' };

/** What Compose says for each container, and we on the command line for all. */
const ON_THE_LINE: ReadonlyMap<string, string> = new Map([
  ['environment', '-e'],
  ['labels', '-l'],
  ['network', '--network'],
  ['restart', '--restart'],
]);

/**
 * A stack file: a mapping of container names to what each is, in the order in which they are to start.
 * docs/STACKS.md is its reference. @throws StackFileError naming line, container and key
 */
export function parseStackFile(text: string, file: string): StackFile {
  const reader = new YamlReader(text, file);
  const all = reader.mapping(reader.root, 'a stack file is a mapping of container names to image, args, cpus, memory …');
  // A container may have that name, too: it has an image.
  const networks = all.find((entry) => entry.key === 'networks' && !reader.has(entry, 'image'));
  const declared = declaredNetworks(reader, networks);
  const entries = all.filter((entry) => entry !== networks);
  if (entries.length === 0) throw reader.error({ line: 1 }, 'there are no containers in it');
  if (entries.length > STACK_LIMITS.containers) {
    throw reader.error({ line: 1 }, `a stack may have ${STACK_LIMITS.containers} containers, this one has ${entries.length}`);
  }
  refuseCompose(reader, entries);
  const containers: StackContainer[] = [];
  const groups = new Map<string, GroupPolicy>();
  for (const entry of entries) {
    const { container, policy } = containerOf(reader, entry, declared);
    const other = containers.find((c) => c.name === container.name);
    if (other !== undefined) throw reader.error(entry, `container ${container.name}: the one of line ${other.line} has this name, too`);
    if (container.group !== undefined && policy !== undefined) {
      const known = groups.get(container.group) ?? policy;
      if (known !== policy)
        throw reader.error(entry, `container ${container.name}: group ${container.group} is ${known} above, here ${policy}`);
      groups.set(container.group, policy);
    }
    containers.push(container);
  }
  return { containers, groups: [...groups].map(([name, policy]) => ({ name, policy })), networks: [...declared.values()] };
}

/** Under a Compose file's `services` there are containers, where a container has its image. */
function refuseCompose(reader: YamlReader, entries: readonly Entry[]): void {
  const services = entries.find(({ key }) => key === 'services');
  if (services === undefined || reader.has(services, 'image')) return;
  throw reader.error(
    services,
    'this looks like a Compose file; those come later: a stack file has its containers at the top, not under services',
  );
}

function containerOf(
  reader: YamlReader,
  entry: Entry,
  declared: ReadonlyMap<string, StackNetwork>,
): { readonly container: StackContainer; readonly policy: GroupPolicy | undefined } {
  const about = `container ${entry.key}`;
  const found = new Map<Key, Entry>();
  for (const item of reader.mapping(entry, `${about} must be a mapping with at least an image`)) {
    const key = KEYS.find((k) => k === item.key);
    if (key === undefined) {
      const option = ON_THE_LINE.get(item.key);
      const hint = option === undefined ? '' : `; for all containers of the file, write \`caravela run ${option} …\``;
      throw reader.error(item, `${about}: there is no key ${JSON.stringify(item.key)}; there are ${KEYS.join(', ')}${hint}`);
    }
    found.set(key, item);
  }
  const textOf = (key: Key): string | undefined => {
    const at = found.get(key);
    return at === undefined ? undefined : reader.text(at, `${about}: ${key}`);
  };
  /** A value that `read` understands; its RangeError gets line and key. */
  const valueOf = <T>(key: Key, read: (text: string) => T): T | undefined => {
    const text = textOf(key);
    if (text === undefined) return undefined;
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw reader.error(found.get(key) ?? entry, `${about}: ${key}: ${error.message}`);
    }
  };

  const image = textOf('image') ?? '';
  if (image === '') throw reader.error(found.get('image') ?? entry, `${about} has no image`);
  if (found.has('memory') && found.has('ram'))
    throw reader.error(found.get('ram') ?? entry, `${about}: memory and ram are the same: say one`);
  const policy = valueOf('group_policy', (text) => oneOf(text, GROUP_POLICIES));
  const group = textOf('group');
  if (group === '') throw reader.error(found.get('group') ?? entry, `${about}: a group needs a name`);
  if (group !== undefined && policy === undefined) {
    throw reader.error(found.get('group') ?? entry, `${about}: a group needs its group_policy, ${GROUP_POLICIES.join(' or ')}`);
  }
  const args = listOf(reader, found.get('args'), `${about}: each of args`) ?? valueOf('args', splitWords) ?? [];
  if (args.length > STACK_LIMITS.args) {
    throw reader.error(found.get('args') ?? entry, `${about}: there may be ${STACK_LIMITS.args} args, these are ${args.length}`);
  }
  return {
    policy,
    container: {
      name: textOf('name') ?? entry.key,
      line: entry.line,
      image,
      args,
      networking: withKeyAsAlias(networkingOf(reader, found, declared, about), entry.key, textOf('name')),
      cpuClass: valueOf('cpu_power', (text) => CPU_POWERS[oneOf(text, Object.keys(CPU_POWERS))]),
      // The ancestor's 0 meant that nothing was asked.
      cpus: valueOf('cpus', parseCpus) || undefined,
      memory: (valueOf('memory', parseMemory) ?? valueOf('ram', parseMemory)) || undefined,
      group: policy === undefined ? undefined : (group ?? policy),
    },
  };
}

/** The texts of a list; undefined where it is none. */
function listOf(reader: YamlReader, at: Located | undefined, what: string): readonly string[] | undefined {
  const items = at === undefined ? undefined : reader.list(at);
  return items?.map((item) => reader.text(item, what));
}

/** Others of the stack call a container by its key, whatever its name is. */
function withKeyAsAlias(networking: StackNetworking, key: string, name: string | undefined): StackNetworking {
  return name === undefined || name === key ? networking : { ...networking, alias: key };
}

function oneOf<T extends string>(text: string, values: readonly T[]): T {
  const found = values.find((value) => value === text);
  if (found === undefined) throw new RangeError(`${JSON.stringify(text.slice(0, 80))} is not one of ${values.join(', ')}`);
  return found;
}
