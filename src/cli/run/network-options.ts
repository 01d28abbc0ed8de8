import { type Command, Option } from 'commander';
import { collect, value } from '../commands/options.ts';
import { EXIT, Failure } from '../failure.ts';
import { type NetworkOption, parseNetworkOption } from '../parse/network-option.ts';
import { parseExpose, parsePublish, type Published } from '../parse/publish.ts';

/** What of `run` and `container create` concerns networks, ports and names, as commander gives it. */
export interface NetworkOptions {
  readonly network?: readonly NetworkOption[];
  /** Docker's older word for it. */
  readonly net?: readonly NetworkOption[];
  readonly ip?: string;
  readonly networkAlias?: readonly string[];
  readonly netAlias?: readonly string[];
  readonly macAddress?: string;
  readonly link?: readonly string[];
  readonly publish?: readonly Published[];
  readonly publishAll?: boolean;
  readonly expose?: readonly string[];
  readonly hostname?: string;
  readonly domainname?: string;
  readonly addHost?: readonly string[];
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly dnsOption?: readonly string[];
  /** Docker's older word for it. */
  readonly dnsOpt?: readonly string[];
}

/** Reads each value that is given and keeps them all. */
const each = <T>(parse: (text: string) => readonly T[]) => {
  const read = value(parse);
  return (text: string, previous: readonly T[] | undefined): readonly T[] => [...(previous ?? []), ...read(text)];
};
/** Of a network each. */
export const networkList = each((text) => [parseNetworkOption(text)]);

export function addNetworkOptions(command: Command): void {
  command
    .option(
      '--network <network>',
      'a network to be on, several times for several: its name, a subnet (10.0.0.0/24), name=…,alias=…,ip=…; or none, host, container:NAME',
      networkList,
    )
    .addOption(new Option('--net <network>').argParser(networkList).hideHelp())
    .option('--ip <address>', 'its address on the first network')
    .option('--network-alias <name>', 'another name for it on the first network', collect)
    .addOption(new Option('--net-alias <name>').argParser(collect).hideHelp())
    .option('--mac-address <address>', 'its MAC address on the first network')
    .option('--link <container[:alias]>', 'another container of the first network by a name of its own', collect)
    .option(
      '-p, --publish <port>',
      'a port served by its node and by the node asked: 8080:80, 80, 127.0.0.1:8080:80, 53:53/udp, ranges',
      each(parsePublish),
    )
    .option('-P, --publish-all', 'publish every exposed port, at any free one')
    .option('--expose <port>', 'a port to say that it listens on', each(parseExpose))
    .option('-h, --hostname <name>', 'its host name')
    .option('--domainname <name>', 'the domain of its host name')
    .option('--add-host <name:ip>', 'a name it is to know; host-gateway as ip is its node', collect)
    .option('--dns <address>', 'a name server instead of the network’s', collect)
    .option('--dns-search <domain>', 'a domain in which names are looked up', collect)
    .option('--dns-option <option>', 'an option of resolv.conf', collect)
    .addOption(new Option('--dns-opt <option>').argParser(collect).hideHelp());
}

/** As said, in order; none where the daemon's default is meant. */
export const networksOf = ({ network, net }: NetworkOptions): readonly NetworkOption[] => [...(network ?? []), ...(net ?? [])];

/** `--ip`, `--network-alias` and `--mac-address` speak of the first network. @throws Failure where it says so itself, otherwise */
export function withFirst(networks: readonly NetworkOption[], options: NetworkOptions): readonly NetworkOption[] {
  const { ip = '', macAddress = '', networkAlias = [], netAlias = [] } = options;
  const [first = { name: 'default', aliases: [], ip: '', mac: '' }, ...rest] = networks;
  const aliases = [...networkAlias, ...netAlias];
  if (ip !== '' && first.ip !== '') throw conflict('--ip', `ip=${first.ip}`);
  if (macAddress !== '' && first.mac !== '') throw conflict('--mac-address', `mac-address=${first.mac}`);
  if (aliases.length > 0 && first.aliases.length > 0) throw conflict('--network-alias', `alias=${first.aliases[0] ?? ''}`);
  return [
    {
      name: first.name,
      aliases: [...first.aliases, ...aliases],
      ip: ip === '' ? first.ip : ip,
      mac: macAddress === '' ? first.mac : macAddress,
    },
    ...rest,
  ];
}

const conflict = (option: string, field: string): Failure =>
  new Failure(`${option} says again what ${field} in --network says: choose one`, EXIT.refused);
