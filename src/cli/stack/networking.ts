import type { NetworkOption } from '../parse/network-option.ts';
import { STACK_LIMITS } from './limits.ts';
import type { StackNetwork } from './networks.ts';
import { exposeOf, itemsOf, portsOf, type StackPort } from './ports.ts';
import type { Entry, Located, YamlReader } from './yaml-reader.ts';

/** What a stack file says of a container's networks, ports and names. */
export interface StackNetworking {
  /** Undefined: as the command line has it. */
  readonly networks: readonly NetworkOption[] | undefined;
  /** Another name on each of its networks; '' where it has none. */
  readonly alias: string;
  readonly ports: readonly StackPort[];
  readonly expose: readonly string[];
  readonly hostname: string | undefined;
  readonly domainname: string | undefined;
  readonly addHost: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOption: readonly string[];
}

export const NETWORKING_KEYS = [
  'ports',
  'expose',
  'networks',
  'network_mode',
  'hostname',
  'domainname',
  'extra_hosts',
  'dns',
  'dns_search',
  'dns_opt',
] as const;
type Key = (typeof NETWORKING_KEYS)[number];

/** @param found the container's keys. @param declared the file's networks, by key. @throws StackFileError */
export function networkingOf(
  reader: YamlReader,
  found: ReadonlyMap<string, Entry>,
  declared: ReadonlyMap<string, StackNetwork>,
  about: string,
): StackNetworking {
  const at = (key: Key): Entry | undefined => found.get(key);
  const text = (key: Key): string | undefined => {
    const entry = at(key);
    return entry === undefined ? undefined : reader.text(entry, `${about}: ${key}`);
  };
  const texts = (key: Key): readonly string[] =>
    itemsOf(reader, at(key), `${about}: there may be`).map((item) => reader.text(item, `${about}: each of ${key}`));
  const networks = at('networks');
  const mode = text('network_mode');
  if (networks !== undefined && mode !== undefined) {
    throw reader.error(networks, `${about}: networks and network_mode are both there: say one`);
  }
  const extraHosts = at('extra_hosts');
  return {
    networks: mode === undefined ? networksOf(reader, networks, declared, about) : [plain(modeOf(reader, at('network_mode'), mode, about))],
    alias: '',
    ports: portsOf(reader, at('ports'), about),
    expose: exposeOf(reader, at('expose'), about),
    hostname: text('hostname'),
    domainname: text('domainname'),
    addHost: extraHosts !== undefined && reader.isMapping(extraHosts) ? hostsMap(reader, extraHosts, about) : texts('extra_hosts'),
    dns: texts('dns'),
    dnsSearch: texts('dns_search'),
    dnsOption: texts('dns_opt'),
  };
}

const plain = (name: string): NetworkOption => ({ name, aliases: [], ip: '', mac: '' });

/** Compose's `service:NAME` would need that one's id, which it has once it is placed. */
function modeOf(reader: YamlReader, at: Located | undefined, mode: string, about: string): string {
  if (!mode.startsWith('service:')) return mode;
  throw reader.error(
    at ?? { line: 0 },
    `${about}: network_mode can't be that of another container of the stack (${JSON.stringify(mode.slice(0, 80))}) yet`,
  );
}

/** A list of names, or a mapping of names to how the container is on each. A name that the file does not declare is one there is. */
function networksOf(
  reader: YamlReader,
  at: Located | undefined,
  declared: ReadonlyMap<string, StackNetwork>,
  about: string,
): readonly NetworkOption[] | undefined {
  if (at === undefined) return undefined;
  const named = (key: string): string => declared.get(key)?.name ?? key;
  const networks = reader.isMapping(at)
    ? reader.mapping(at, '').map((entry) => endpointOf(reader, entry, named(entry.key), `${about}: network ${entry.key}`))
    : itemsOf(reader, at, `${about}: there may be`).map((item) => plain(named(reader.text(item, `${about}: each of networks`))));
  const twice = networks.find(({ name }, i) => networks.findIndex((other) => other.name === name) !== i);
  if (twice !== undefined) throw reader.error(at, `${about}: network ${twice.name} is there twice`);
  if (networks.length === 0)
    throw reader.error(at, `${about}: networks is empty: leave it out for the default network, or write network_mode: none`);
  return networks;
}

function endpointOf(reader: YamlReader, entry: Entry, name: string, about: string): NetworkOption {
  const aliases: string[] = [];
  let [ip, mac] = ['', ''];
  for (const item of reader.entriesOrNone(entry, `${about} must be a mapping`)) {
    if (item.key === 'aliases') {
      for (const alias of itemsOf(reader, item, `${about}: there may be`)) aliases.push(reader.text(alias, `${about}: each of aliases`));
    } else if (item.key === 'ipv4_address') ip = reader.text(item, `${about}: ipv4_address`);
    else if (item.key === 'mac_address') mac = reader.text(item, `${about}: mac_address`);
    else throw reader.error(item, `${about}: there is no key ${JSON.stringify(item.key)}; there are aliases, ipv4_address, mac_address`);
  }
  return { name, aliases, ip, mac };
}

function hostsMap(reader: YamlReader, at: Located, about: string): readonly string[] {
  const entries = reader.mapping(at, '');
  if (entries.length > STACK_LIMITS.items) throw reader.error(at, `${about}: there may be ${STACK_LIMITS.items} extra_hosts`);
  return entries.map((entry) => `${entry.key}:${reader.text(entry, `${about}: ${entry.key} of extra_hosts`)}`);
}
