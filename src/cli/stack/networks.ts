import type { NetworkCreateBody } from '../../docker-api/types.ts';
import { STACK_LIMITS } from './limits.ts';
import { itemsOf } from './ports.ts';
import type { Entry, Located, YamlReader } from './yaml-reader.ts';

/** A network that a stack file declares: made where there is none, unless it is external. */
export interface StackNetwork {
  readonly line: number;
  readonly name: string;
  readonly isExternal: boolean;
  readonly body: NetworkCreateBody;
}

const KEYS = ['name', 'external', 'driver', 'driver_opts', 'internal', 'attachable', 'labels', 'ipam', 'enable_ipv6'];

/** The file's `networks`, by key. @throws StackFileError */
export function declaredNetworks(reader: YamlReader, at: Entry | undefined): ReadonlyMap<string, StackNetwork> {
  const networks = new Map<string, StackNetwork>();
  for (const entry of at === undefined ? [] : reader.entriesOrNone(at, 'networks must be a mapping of names to what each is')) {
    networks.set(entry.key, networkOf(reader, entry));
  }
  if (networks.size > STACK_LIMITS.items && at !== undefined) throw reader.error(at, `there may be ${STACK_LIMITS.items} networks`);
  return networks;
}

function networkOf(reader: YamlReader, entry: Entry): StackNetwork {
  const about = `network ${entry.key}`;
  const found = new Map<string, Entry>();
  for (const item of reader.entriesOrNone(entry, `${about} must be a mapping`)) {
    if (!KEYS.includes(item.key))
      throw reader.error(item, `${about}: there is no key ${JSON.stringify(item.key)}; there are ${KEYS.join(', ')}`);
    found.set(item.key, item);
  }
  const at = (key: string): Entry | undefined => found.get(key);
  const isTrue = (key: string): boolean => at(key) !== undefined && flagOf(reader, at(key) as Entry, `${about}: ${key}`);
  const nameAt = at('name');
  const name = nameAt === undefined ? entry.key : reader.text(nameAt, `${about}: name`);
  const isExternal = isTrue('external');
  const driver = at('driver');
  const config = poolOf(reader, at('ipam'), about);
  const said = [...found.keys()].filter((key) => key !== 'external' && key !== 'name');
  if (isExternal && said.length > 0) {
    throw reader.error(entry, `${about} is external: what it is was said where it was made, not here (${said.join(', ')})`);
  }
  return {
    line: entry.line,
    name,
    isExternal,
    body: {
      Name: name,
      CheckDuplicate: true,
      ...(driver === undefined ? {} : { Driver: reader.text(driver, `${about}: driver`) }),
      Internal: isTrue('internal'),
      EnableIPv6: isTrue('enable_ipv6'),
      ...(config === undefined ? {} : { IPAM: { Config: [config] } }),
      Options: textsByKey(reader, at('driver_opts'), `${about}: driver_opts`),
      Labels: textsByKey(reader, at('labels'), `${about}: labels`),
    },
  };
}

function flagOf(reader: YamlReader, at: Located, what: string): boolean {
  const text = reader.text(at, what);
  if (!/^(true|false|yes|no)$/i.test(text)) throw reader.error(at, `${what} is true or false, got ${JSON.stringify(text.slice(0, 80))}`);
  return /^(true|yes)$/i.test(text);
}

/** Compose's `ipam`, of which one subnet is taken. */
function poolOf(reader: YamlReader, at: Entry | undefined, about: string): { Subnet?: string; Gateway?: string } | undefined {
  if (at === undefined) return undefined;
  let pool: { Subnet?: string; Gateway?: string } | undefined;
  for (const entry of reader.entriesOrNone(at, `${about}: ipam must be a mapping`)) {
    if (entry.key === 'driver') continue;
    if (entry.key !== 'config')
      throw reader.error(entry, `${about}: ipam has no key ${JSON.stringify(entry.key)}; there are config, driver`);
    const [first, ...more] = itemsOf(reader, entry, `${about}: there may be`);
    if (more.length > 0) throw reader.error(entry, `${about}: a network has one subnet, ipam has ${more.length + 1}`);
    for (const item of first === undefined ? [] : reader.mapping(first, `${about}: each of ipam's config must be a mapping`)) {
      const value = reader.text(item, `${about}: ${item.key}`);
      if (item.key === 'subnet') pool = { ...pool, Subnet: value };
      else if (item.key === 'gateway') pool = { ...pool, Gateway: value };
      else throw reader.error(item, `${about}: ipam's config has no key ${JSON.stringify(item.key)}; there are subnet, gateway`);
    }
  }
  return pool;
}

/** A mapping, or a list of KEY=VALUE. */
function textsByKey(reader: YamlReader, at: Entry | undefined, about: string): Record<string, string> {
  if (at === undefined) return {};
  const items = reader.list(at);
  if (items === undefined) {
    return Object.fromEntries(
      reader.entriesOrNone(at, `${about} must be a mapping`).map((item) => [item.key, reader.text(item, `${about}: ${item.key}`)]),
    );
  }
  return Object.fromEntries(
    items.map((item) => {
      const text = reader.text(item, about);
      const equals = text.indexOf('=');
      return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}
