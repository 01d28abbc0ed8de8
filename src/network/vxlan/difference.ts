import { assertNever } from '../../lib/assert.ts';
import type { BridgePort } from '../../linux/rtnetlink/bridge.ts';
import type { Link } from '../../linux/rtnetlink/link.ts';
import type { LinkChange } from '../../linux/rtnetlink/links.ts';
import type { KernelSeen } from './read-kernel.ts';
import type { AddressWish, BridgeWish, FdbWish, KernelWish, LinkWish, NeighbourWish, PortWish, RouteWish, TunnelWish } from './wish.ts';

/** One step from what is there to what is wanted. Devices by name, as some are only made on the way. */
export type Operation =
  | { readonly do: 'make-link'; readonly link: BridgeWish | TunnelWish }
  /** `master` is 0, where there: of none. */
  | { readonly do: 'change-link'; readonly name: string; readonly change: LinkChange }
  | { readonly do: 'change-tunnel'; readonly link: TunnelWish }
  | { readonly do: 'put-on-bridge'; readonly port: string; readonly bridge: string }
  /** A bridge's port as ours are: `PORT`. */
  | { readonly do: 'set-port'; readonly port: string }
  /** The host's end of a container's interface is missing: it takes the container's namespace to make it again. */
  | { readonly do: 'plug-in'; readonly port: string }
  /** Both ends: what comes larger than an end may be is lost without a word. */
  | { readonly do: 'resize-port'; readonly port: string; readonly mtu: number }
  | { readonly do: 'delete-link'; readonly name: string; readonly index: number }
  | { readonly do: 'add-address' | 'delete-address'; readonly address: AddressWish }
  | { readonly do: 'put-route' | 'delete-route'; readonly route: RouteWish }
  | { readonly do: 'put-neighbour' | 'delete-neighbour'; readonly neighbour: NeighbourWish }
  | { readonly do: 'put-fdb' | 'delete-fdb'; readonly entry: FdbWish };

/**
 * All that lies between, in an order that is safe at each step: what others stand on comes first and goes last, what
 * is new comes before what is old goes, and what is replaced is so in one step. Pure.
 */
export function difference(wish: KernelWish, seen: KernelSeen): readonly Operation[] {
  const steps: Operation[] = [];
  const wrong = [...seen.links.values()].filter((link) => {
    const wanted = wish.links.get(link.name);
    return wanted !== undefined && !canBecome(link, wanted);
  });
  for (const { name, index } of wrong) steps.push({ do: 'delete-link', name, index });
  const gone = new Set(wrong.map(({ name }) => name));
  const there = (name: string): Link | undefined => (gone.has(name) ? undefined : seen.links.get(name));
  // With a device the kernel takes away all that hangs on it.
  const stays = ({ link }: { link: string | undefined }): boolean => link === undefined || !gone.has(link);

  for (const link of wish.links.values()) if (link.kind !== 'port') steps.push(...stepsToLink(link, there(link.name)));
  steps.push(...missing(wish.addresses, seen.addresses, stays).map((address): Operation => ({ do: 'add-address', address })));
  steps.push(...missing(wish.neighbours, seen.neighbours, stays).map((neighbour): Operation => ({ do: 'put-neighbour', neighbour })));
  steps.push(...missing(wish.fdb, seen.fdb, stays).map((entry): Operation => ({ do: 'put-fdb', entry })));
  steps.push(...missing(wish.routes, seen.routes, stays).map((route): Operation => ({ do: 'put-route', route })));
  for (const link of wish.links.values()) if (link.kind === 'port') steps.push(...stepsToPort(link, there(link.name), wish, there));

  steps.push(...spare(wish.routes, seen.routes, stays).map((route): Operation => ({ do: 'delete-route', route })));
  steps.push(...spare(wish.fdb, seen.fdb, stays).map((entry): Operation => ({ do: 'delete-fdb', entry })));
  steps.push(...spare(wish.neighbours, seen.neighbours, stays).map((neighbour): Operation => ({ do: 'delete-neighbour', neighbour })));
  steps.push(...spare(wish.addresses, seen.addresses, stays).map((address): Operation => ({ do: 'delete-address', address })));
  for (const { name, index } of seen.links.values()) if (!wish.links.has(name)) steps.push({ do: 'delete-link', name, index });
  return steps;
}

/** Whether a link is as wanted, without its ports' bridges being looked up: for news of one link. */
export function isAsWanted(link: Link, wanted: LinkWish): boolean {
  if (!canBecome(link, wanted) || !link.up || link.alias !== wanted.alias) return false;
  if (wanted.kind === 'port') return wanted.bridge === undefined || (link.mtu === wanted.mtu && link.master !== 0);
  if (link.master !== 0) return false;
  return link.mtu === wanted.mtu && link.mac === wanted.mac && (wanted.kind === 'bridge' || link.vxlan?.local === wanted.local);
}

/** What can't be changed of a device that is there. */
function canBecome(link: Link, wanted: LinkWish): boolean {
  switch (wanted.kind) {
    case 'bridge':
      return link.kind === 'bridge';
    case 'port':
      return link.kind === 'veth';
    case 'tunnel':
      return link.vxlan !== undefined && link.vxlan.vni === wanted.vni && link.vxlan.port === wanted.port && !link.vxlan.learning;
    default:
      return assertNever(wanted);
  }
}

function stepsToLink(wanted: BridgeWish | TunnelWish, link: Link | undefined): Operation[] {
  const { name, alias, mtu, mac } = wanted;
  // The MTU of a bridge is the least of its ports' until somebody sets it.
  if (link === undefined) return [{ do: 'make-link', link: wanted }, change(name, { alias, mtu })];
  const steps = changes(link, wanted, mac);
  // Somebody's bridge, who would see what containers send.
  if (link.master !== 0) steps.push(change(name, { master: 0 }));
  if (wanted.kind === 'tunnel' && link.vxlan?.local !== wanted.local) steps.push({ do: 'change-tunnel', link: wanted });
  return steps;
}

function stepsToPort(wanted: PortWish, link: Link | undefined, wish: KernelWish, there: (name: string) => Link | undefined): Operation[] {
  if (wanted.bridge === undefined || !wish.links.has(wanted.bridge)) return [];
  if (link === undefined) return [{ do: 'plug-in', port: wanted.name }];
  const steps = changes(link, { ...wanted, mtu: link.mtu }, undefined);
  if (link.mtu !== wanted.mtu) steps.push({ do: 'resize-port', port: wanted.name, mtu: wanted.mtu });
  const bridge = there(wanted.bridge);
  if (bridge === undefined || link.master !== bridge.index) steps.push({ do: 'put-on-bridge', port: wanted.name, bridge: wanted.bridge });
  if (bridge === undefined || !isOurPort(link)) steps.push({ do: 'set-port', port: wanted.name });
  return steps;
}

function changes(link: Link, { name, alias, mtu }: LinkWish, mac: string | undefined): Operation[] {
  const needed = {
    ...(mac === undefined || link.mac === mac ? {} : { mac }),
    ...(link.mtu === mtu ? {} : { mtu }),
    ...(link.alias === alias ? {} : { alias }),
    ...(link.up ? {} : { up: true }),
  };
  return Object.keys(needed).length === 0 ? [] : [change(name, needed)];
}

/** What the kernel makes of a new port but for hairpin, which a container needs to reach its own published port. */
export const PORT: BridgePort = { hairpin: true, learning: true, isolated: false };

const isOurPort = ({ port }: Link): boolean =>
  port !== undefined && port.hairpin === PORT.hairpin && port.learning === PORT.learning && port.isolated === PORT.isolated;

const change = (name: string, to: LinkChange): Operation => ({ do: 'change-link', name, change: to });

function missing<T extends { link: string | undefined }>(
  wish: ReadonlyMap<string, T>,
  seen: ReadonlyMap<string, T>,
  stays: (item: T) => boolean,
): T[] {
  return [...wish].flatMap(([key, wanted]) => {
    const found = seen.get(key);
    return found !== undefined && stays(found) && sameItem(found, wanted) ? [] : [wanted];
  });
}

function spare<T extends { link: string | undefined }>(
  wish: ReadonlyMap<string, T>,
  seen: ReadonlyMap<string, T>,
  stays: (item: T) => boolean,
): T[] {
  return [...seen].flatMap(([key, found]) => (wish.has(key) || !stays(found) ? [] : [found]));
}

/** Items are flat records, but for a route's block, which is in its key. */
export function sameItem<T extends object>(a: T, b: T): boolean {
  return (Object.keys(a) as (keyof T)[]).every((field) => field === 'destination' || a[field] === b[field]);
}
