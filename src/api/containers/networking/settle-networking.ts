import type { Affinity, AgreedNetwork, ContainerId } from '../../../core/model/index.ts';
import type { EndpointWish } from '../../../engine/port.ts';
import { formatCidr, holds, lastOf, parseCidr, parseIpv4, sameBlock } from '../../../lib/ipv4.ts';
import type { ApiContext } from '../../context.ts';
import { ApiError } from '../../http/api-error.ts';
import { locate } from '../../instance/locate.ts';
import type { Scope } from '../../instance/scope.ts';
import { locateNetwork } from '../../networks/locate-network.ts';
import type { AskedEndpoint, AskedNetworking } from './check-networking.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** What was asked, with the networks and the container that were meant. */
export interface SettledNetworking extends Omit<AskedNetworking, 'endpoints' | 'mac'> {
  readonly networks: readonly EndpointWish[];
  /** The container that has the network is on one node, and there this one must go. */
  readonly affinities: readonly Affinity[];
}

export interface SettleOptions {
  readonly scope: Scope;
  /** Nothing is made: a network of a block that there is none of is left out. */
  readonly dry: boolean;
}

/**
 * Looks up what a container is to be on; a block that no network has becomes one. Nothing that is missing
 * is a 404: Docker's clients take that of a create for a missing image, and pull it. @throws ApiError 400 …, NetworkRefused
 */
export async function settleNetworking(context: ApiContext, asked: AskedNetworking, options: SettleOptions): Promise<SettledNetworking> {
  try {
    return await settle(context, asked, options);
  } catch (error) {
    throw error instanceof ApiError && error.status === 404 ? new ApiError(400, error.message, error.facts) : error;
  }
}

async function settle(context: ApiContext, asked: AskedNetworking, { scope, dry }: SettleOptions): Promise<SettledNetworking> {
  const { endpoints, mac, ...rest } = asked;
  if (asked.mode === 'container') {
    const id = await containerIdOf(context, asked.networkOf, scope);
    return {
      ...rest,
      networks: [],
      networkOf: id,
      affinities: [{ subject: 'container', key: '', operator: '==', value: id, soft: false }],
    };
  }
  const found: { readonly endpoint: AskedEndpoint; readonly network: AgreedNetwork }[] = [];
  for (const endpoint of endpoints) {
    const network = await networkOf(context, endpoint.network, { scope, dry });
    if (network !== undefined) found.push({ endpoint, network });
  }
  const networks = oncePerNetwork(found).map(({ endpoint, network }, i) =>
    wishOf(i === 0 && endpoint.mac === '' ? { ...endpoint, mac } : endpoint, network),
  );
  return { ...rest, networks, affinities: [], warnings: [...rest.warnings, ...unserved(rest, found)] };
}

/** A published port leads out, and nothing comes in to a network that is internal. */
function unserved({ ports, publishAll }: Pick<AskedNetworking, 'ports' | 'publishAll'>, found: readonly Joined[]): readonly string[] {
  if ((ports.length === 0 && !publishAll) || found.length === 0 || !found.every(({ network }) => network.internal)) return [];
  const names = found.map(({ network }) => network.name).join(', ');
  return [`Published ports are not served while the container is on internal networks only (${names})`];
}

async function containerIdOf(context: ApiContext, word: string, scope: Scope): Promise<ContainerId> {
  const located = await locate(context, word, scope);
  return located.at === 'peer' ? located.id : located.container.request.containerId;
}

async function networkOf(context: ApiContext, word: string, { scope, dry }: SettleOptions): Promise<AgreedNetwork | undefined> {
  const { backend } = context;
  if (!word.includes('/')) {
    const found = await locateNetwork(context, word, scope).catch((error: unknown) => {
      throw error instanceof ApiError && error.status === 404 && NAME.test(word)
        ? new ApiError(404, `${error.message}: "network create ${word}" makes it`, error.facts)
        : error;
    });
    if (found.kind === 'local')
      throw new ApiError(400, `conflicting options: a container on other networks can't have network ${found.name}, too`);
    return found.network;
  }
  const block = parseCidr(word);
  if (block === undefined)
    throw new ApiError(400, `invalid network ${JSON.stringify(word.slice(0, 80))}: neither a name nor an IPv4 block such as 10.20.0.0/16`);
  const known = backend.networks.list().find(({ subnet }) => sameBlock(subnet, block));
  return known ?? (dry ? undefined : await backend.networks.ofSubnet(formatCidr(block)));
}

type Joined = { readonly endpoint: AskedEndpoint; readonly network: AgreedNetwork };

/** The same network may be named by its name and by its id, once with nothing more to say. */
function oncePerNetwork(found: readonly Joined[]): readonly Joined[] {
  const kept = new Map<string, Joined>();
  for (const joined of found) {
    const { id, name } = joined.network;
    const other = kept.get(id);
    if (other !== undefined && !isPlain(other.endpoint) && !isPlain(joined.endpoint)) {
      throw new ApiError(
        400,
        `network ${name} is named twice for one container, as ${other.endpoint.network} and ${joined.endpoint.network}`,
      );
    }
    if (other === undefined || isPlain(other.endpoint)) kept.set(id, joined);
  }
  return [...kept.values()];
}

const isPlain = ({ ip, aliases, mac, links }: AskedEndpoint): boolean =>
  ip === '' && aliases.length === 0 && mac === '' && links.length === 0;

function wishOf({ ip, aliases, mac, links }: AskedEndpoint, network: AgreedNetwork): EndpointWish {
  if (ip !== '') checkAddress(ip, network);
  const own = links.length === 0 ? {} : { links };
  return { network: network.id, networkName: network.name, vni: network.vni, ip, aliases, mac, ...own };
}

/** @throws ApiError 400 where no container can have this address there */
export function checkAddress(ip: string, { name, subnet, gateway }: AgreedNetwork): void {
  const address = parseIpv4(ip) ?? -1;
  if (!holds(subnet, address)) {
    throw new ApiError(400, `invalid address ${ip}: it is not in the subnet ${formatCidr(subnet)} of network ${name}`);
  }
  const taken =
    address === gateway
      ? 'gateway'
      : subnet.prefix >= 31
        ? ''
        : address === subnet.base
          ? 'network'
          : address === lastOf(subnet)
            ? 'broadcast'
            : '';
  if (taken !== '') throw new ApiError(400, `invalid address ${ip}: it is the ${taken} address of network ${name}`);
}
