import { LIMITS } from '../../../core/model/index.ts';
import type { ContainerSpec, EndpointLink, NetworkMode, PortWish } from '../../../engine/port.ts';
import { formatIpv4, parseIpv4 } from '../../../lib/ipv4.ts';
import { ApiError } from '../../http/api-error.ts';
import { isDefaultName } from '../../networks/predefined.ts';
import type { CreateBody } from '../create-body.ts';
import { checkHosts } from './hosts.ts';
import { parseLinks } from './links.ts';
import { parseBindings, parsePorts, portText } from './ports.ts';

/** How a container is to be on a network that is looked up next. */
export interface AskedEndpoint {
  /** Name, id or block, as it was typed; '' for the default. */
  readonly network: string;
  readonly ip: string;
  readonly aliases: readonly string[];
  readonly mac: string;
  readonly links: readonly EndpointLink[];
}

/** What a body says of networks, ports and names, checked by itself. */
export interface AskedNetworking {
  readonly mode: NetworkMode;
  /** With `networks`: at least one, the first is eth0's. */
  readonly endpoints: readonly AskedEndpoint[];
  /** Of the first of them, unless it has one of its own: clients used to say it of the container. */
  readonly mac: string;
  /** With `container`: whose, as typed. */
  readonly networkOf: string;
  readonly ports: readonly PortWish[];
  /** Each exposed port is published, too. */
  readonly publishAll: boolean;
  /** `80/tcp`, beside those of the image. */
  readonly exposed: readonly string[];
  readonly dns: ContainerSpec['dns'];
  /** `name:ip`; ip may be `host-gateway`. */
  readonly extraHosts: readonly string[];
  readonly warnings: readonly string[];
}

const CONTAINER = 'container:';
/** Beside them a container has its name, its short id, its host name, and a mark where a name has dots. */
const MOST_ALIASES = LIMITS.endpointNames - 4;
const ALIAS = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,252}$/;
const MAC = /^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/;

/** @throws ApiError 400, 501: Docker's words where it has some */
export function checkNetworking(body: CreateBody): AskedNetworking {
  const host = body.HostConfig ?? {};
  const word = host.NetworkMode ?? '';
  const mode: NetworkMode = word === 'none' || word === 'host' ? word : word.startsWith(CONTAINER) ? 'container' : 'networks';
  const published = { ports: parseBindings(host.PortBindings ?? {}), publishAll: host.PublishAllPorts ?? false };
  const asked = {
    mode,
    mac: macOf(body.MacAddress ?? ''),
    networkOf: mode === 'container' ? word.slice(CONTAINER.length) : '',
    exposed: exposedOf(body),
    ...checkHosts(body),
    ...published,
  };
  if (mode === 'networks') return { ...asked, endpoints: endpointsOf(word, body), warnings: [] };
  if ((host.Links ?? []).length > 0) throw new ApiError(400, `conflicting options: links and the network mode ${word.slice(0, 80)}`);
  refuseEndpointsOf(mode, word, body);
  if (mode === 'container') refuseOfAnother(body, asked);
  const dropped = published.ports.length > 0 || published.publishAll;
  const warnings = dropped ? [`Published ports are discarded when using ${mode} network mode`] : [];
  return { ...asked, endpoints: [], ports: [], publishAll: false, warnings };
}

function exposedOf(body: CreateBody): readonly string[] {
  const exposed = [...new Set(Object.keys(body.ExposedPorts ?? {}).flatMap((key) => parsePorts(key).map(portText)))];
  if (exposed.length <= LIMITS.hostPorts) return exposed;
  throw new ApiError(400, `a container may expose at most ${LIMITS.hostPorts} ports, got ${exposed.length}`);
}

/** Docker's: a named mode comes first, what the client said of it or beside it after. */
function endpointsOf(word: string, body: CreateBody): readonly AskedEndpoint[] {
  const settings = Object.entries(body.NetworkingConfig?.EndpointsConfig ?? {});
  const named = settings.map(([network, config]) => endpointOf(isDefaultName(network) ? '' : network, config ?? {}));
  const first = isDefaultName(word) ? '' : word;
  const lacksFirst = !named.some(({ network }) => network === first) && (first !== '' || named.length === 0);
  const all = lacksFirst
    ? [endpointOf(first, {}), ...named]
    : named.toSorted((a, b) => Number(b.network === first) - Number(a.network === first));
  if (all.length > LIMITS.networksPerContainer) {
    throw new ApiError(400, `a container may be on at most ${LIMITS.networksPerContainer} networks, got ${all.length}`);
  }
  const links = parseLinks(body.HostConfig?.Links ?? []);
  return all.map((endpoint, i) => (i === 0 && endpoint.links.length === 0 ? { ...endpoint, links } : endpoint));
}

export type EndpointConfig = NonNullable<NonNullable<NonNullable<CreateBody['NetworkingConfig']>['EndpointsConfig']>[string]>;

/** What a client says of one network. @throws ApiError 400, 501 */
export function endpointOf(network: string, config: EndpointConfig): AskedEndpoint {
  const { IPAMConfig, Aliases, MacAddress, Links } = config;
  if ((IPAMConfig?.IPv6Address ?? '') !== '' || (config.GlobalIPv6Address ?? '') !== '') {
    throw new ApiError(501, 'Caravela does not have IPv6 addresses on its networks yet (--ip6)');
  }
  if ((IPAMConfig?.LinkLocalIPs ?? []).length > 0) throw new ApiError(501, 'Caravela does not have link-local addresses (--link-local-ip)');
  const ip = IPAMConfig?.IPv4Address ?? '';
  const parsed = parseIpv4(ip);
  if (ip !== '' && parsed === undefined) throw new ApiError(400, `invalid IPv4 address: ${JSON.stringify(ip.slice(0, 80))}`);
  const aliases = [...new Set(Aliases ?? [])];
  const bad = aliases.find((alias) => !ALIAS.test(alias));
  if (bad !== undefined) {
    throw new ApiError(
      400,
      `a network alias may have letters, digits, dots, dashes and underscores, got ${JSON.stringify(bad.slice(0, 80))}`,
    );
  }
  // The name and the short id come along.
  if (aliases.length > MOST_ALIASES) {
    throw new ApiError(400, `a container may have at most ${MOST_ALIASES} aliases on a network, got ${aliases.length}`);
  }
  return {
    network,
    ip: parsed === undefined ? '' : formatIpv4(parsed),
    aliases,
    mac: macOf(MacAddress ?? ''),
    links: parseLinks(Links ?? []),
  };
}

function macOf(text: string): string {
  if (text === '') return '';
  if (!MAC.test(text)) throw new ApiError(400, `invalid MAC address: ${JSON.stringify(text.slice(0, 80))} is not as 02:42:0a:00:00:05`);
  if ((Number.parseInt(text.slice(0, 2), 16) & 1) === 1) {
    throw new ApiError(400, `invalid MAC address: ${text} is one of a group (multicast), no container's`);
  }
  return text.toLowerCase();
}

/** Beside none, host or another's network there is no other, and nothing to say of it. */
function refuseEndpointsOf(mode: NetworkMode, word: string, body: CreateBody): void {
  for (const [network, config] of Object.entries(body.NetworkingConfig?.EndpointsConfig ?? {})) {
    if (network !== word && !isDefaultName(network)) {
      throw new ApiError(400, `conflicting options: a container with network ${word} can't be on network ${network.slice(0, 80)}, too`);
    }
    const { ip, aliases, mac } = endpointOf(network, config ?? {});
    if (ip !== '')
      throw new ApiError(400, `user specified IP address is supported on user defined networks only, not with network ${word}`);
    if (aliases.length > 0) {
      throw new ApiError(400, `network-scoped alias is supported only for containers in user defined networks, not with network ${word}`);
    }
    if (mac !== '') throw macConflict(word);
  }
  if (macOf(body.MacAddress ?? '') !== '' && mode !== 'none') throw macConflict(word);
}

const macConflict = (word: string): ApiError => new ApiError(400, `conflicting options: mac-address and the network mode ${word}`);

/** Docker's: all this is of the container whose network it is. */
function refuseOfAnother(
  body: CreateBody,
  asked: Pick<AskedNetworking, 'networkOf' | 'ports' | 'publishAll' | 'exposed' | 'dns' | 'extraHosts'>,
): void {
  const { networkOf, ports, publishAll, exposed, dns, extraHosts } = asked;
  if (networkOf === '') throw new ApiError(400, 'invalid container format container:<name|id>: the network mode names no container');
  const conflicts: readonly (readonly [boolean, string])[] = [
    [ports.length > 0 || publishAll, 'port publishing and the container type network mode'],
    [exposed.length > 0, 'port exposing and the container type network mode'],
    [(body.Hostname ?? '') !== '' || (body.Domainname ?? '') !== '', 'hostname and the network mode'],
    [dns.servers.length + dns.search.length + dns.options.length > 0, 'dns and the network mode'],
    [extraHosts.length > 0, 'custom host-to-IP mapping and the network mode'],
  ];
  const found = conflicts.find(([holds]) => holds);
  if (found !== undefined) throw new ApiError(400, `conflicting options: ${found[1]} (container:${networkOf.slice(0, 80)})`);
}
