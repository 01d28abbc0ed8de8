/** What a container's /etc/hosts tells. Addresses dotted. */
export interface HostsFile {
  readonly hostname: string;
  /** Of each endpoint, eth0 first; none: the name leads to loopback. */
  readonly addresses: readonly string[];
  /** `--add-host`, as `name:ip`; for the ip, `host-gateway` stands for the host itself. */
  readonly extraHosts: readonly string[];
  /** Where the host answers: the gateway of the container's default route. Undefined: it has none, and `host-gateway` is left out. */
  readonly hostGateway: string | undefined;
}

/** Fields are parted by a tab; extra hosts come last, as Docker has them. */
export function hostsFile({ hostname, addresses, extraHosts, hostGateway }: HostsFile): string {
  const own = addresses.length > 0 ? addresses : ['127.0.0.1'];
  const lines: readonly (readonly [ip: string, names: string])[] = [
    ...LOCAL,
    ...own.map((address) => [address, namesOf(hostname)] as const),
    ...extraHosts.flatMap((extra) => lineOf(extra, hostGateway)),
  ];
  return lines.map(([ip, names]) => `${ip}\t${names}\n`).join('');
}

const LOCAL = [
  ['127.0.0.1', 'localhost'],
  ['::1', 'localhost ip6-localhost ip6-loopback'],
  ['fe00::0', 'ip6-localnet'],
  ['ff00::0', 'ip6-mcastprefix'],
  ['ff02::1', 'ip6-allnodes'],
  ['ff02::2', 'ip6-allrouters'],
] as const;

/** A host name with a domain is known without it, too. */
function namesOf(hostname: string): string {
  const [short = hostname] = hostname.split('.');
  return short === hostname || short === '' ? hostname : `${hostname} ${short}`;
}

/** The first colon parts them, or `=`, as newer clients write it: an IPv6 address has colons of its own, perhaps in brackets. */
function lineOf(extra: string, hostGateway: string | undefined): readonly (readonly [ip: string, name: string])[] {
  const at = extra.search(/[:=]/);
  const name = extra.slice(0, at);
  const ip = extra.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  if (at <= 0 || ip === '') return [];
  if (ip !== 'host-gateway') return [[ip, name]];
  return hostGateway === undefined ? [] : [[hostGateway, name]];
}
