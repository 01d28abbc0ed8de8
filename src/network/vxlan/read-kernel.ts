import type { FdbEntry, Neighbour } from '../../linux/rtnetlink/neighbours.ts';
import type { Link } from '../../linux/rtnetlink/link.ts';
import { MAIN_TABLE, OUR_PROTOCOL, type Route } from '../../linux/rtnetlink/routes.ts';
import type { RouteSocket } from '../../linux/rtnetlink/route-socket.ts';
import type { Address } from '../../linux/rtnetlink/addresses.ts';
import type { Names } from './names.ts';
import { addressKey, type AddressWish, fdbKey, type FdbWish, neighbourKey, type NeighbourWish, routeKey, type RouteWish } from './wish.ts';

/** What of ours there is in the kernel, in the words of `KernelWish`. */
export interface KernelSeen {
  /** By name. */
  readonly links: ReadonlyMap<string, Link>;
  readonly addresses: ReadonlyMap<string, AddressWish>;
  readonly routes: ReadonlyMap<string, RouteWish>;
  readonly neighbours: ReadonlyMap<string, NeighbourWish>;
  readonly fdb: ReadonlyMap<string, FdbWish>;
}

/** Names of our devices by their index. */
export type LinkNames = ReadonlyMap<number, string>;

/** @throws SystemError */
export function readKernel(socket: RouteSocket, names: Names): KernelSeen {
  const links = readLinks(socket, names);
  const byIndex: LinkNames = new Map([...links.values()].map(({ index, name }) => [index, name]));
  return {
    links,
    addresses: keyed(
      socket.addresses().map((address) => addressOf(address, byIndex)),
      addressKey,
    ),
    routes: keyed(
      socket.routes(MAIN_TABLE).map((route) => routeOf(route, byIndex, names)),
      routeKey,
    ),
    neighbours: keyed(
      socket.neighbours().map((neighbour) => neighbourOf(neighbour, byIndex, names)),
      neighbourKey,
    ),
    fdb: keyed(
      socket.fdb().map((entry) => fdbOf(entry, byIndex, names)),
      fdbKey,
    ),
  };
}

export function readLinks(socket: RouteSocket, names: Names): ReadonlyMap<string, Link> {
  return new Map(
    socket
      .links()
      .filter(({ name }) => name.startsWith(names.devices))
      .map((link) => [link.name, link]),
  );
}

export function addressOf({ index, address, prefix, noPrefixRoute }: Address, links: LinkNames): AddressWish | undefined {
  const link = links.get(index);
  // With its block's route the address isn't the one we set.
  return link === undefined || (prefix < 32 && !noPrefixRoute) ? undefined : { link, address, prefix };
}

/** A route of ours, or in the place of one: of our devices, or unreachable with our mark. */
export function routeOf(route: Route, links: LinkNames, names: Names): RouteWish | undefined {
  const { destination, type, via, onlink, device, mtu, metric, protocol, table } = route;
  if (table !== MAIN_TABLE || protocol !== OUR_PROTOCOL) return undefined;
  if (type === 'unreachable' && metric === names.metric) return { destination, link: undefined, via: undefined, mtu: 0, metric };
  const link = links.get(device);
  if (type !== 'unicast' || link === undefined || (via !== undefined && !onlink)) return undefined;
  return { destination, link, via, mtu, metric };
}

/** Of our tunnels alone: on bridges the kernel learns. */
export function neighbourOf({ index, address, mac, permanent }: Neighbour, links: LinkNames, names: Names): NeighbourWish | undefined {
  const link = links.get(index);
  return link === undefined || !link.startsWith(names.tunnels) || !permanent ? undefined : { link, address, mac };
}

export function fdbOf({ index, mac, remote, permanent, self }: FdbEntry, links: LinkNames, names: Names): FdbWish | undefined {
  const link = links.get(index);
  if (link === undefined || !link.startsWith(names.tunnels) || !permanent || !self || remote === undefined) return undefined;
  return { link, mac, remote };
}

function keyed<T>(found: readonly (T | undefined)[], key: (item: T) => string): ReadonlyMap<string, T> {
  return new Map(found.filter((item) => item !== undefined).map((item) => [key(item), item]));
}
