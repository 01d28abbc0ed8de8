import { assertNever } from '../../lib/assert.ts';
import type { NetlinkRequest } from '../../linux/netlink.ts';
import { addAddress, deleteAddress } from '../../linux/rtnetlink/addresses.ts';
import { changeBridgePort } from '../../linux/rtnetlink/bridge.ts';
import { addBridge, addVxlan, changeLink } from '../../linux/rtnetlink/links.ts';
import { addFdbEntry, addNeighbour, deleteFdbEntry, deleteNeighbour } from '../../linux/rtnetlink/neighbours.ts';
import { deleteRoute, MAIN_TABLE, OUR_PROTOCOL, replaceRoute, type Route } from '../../linux/rtnetlink/routes.ts';
import type { RouteSocket } from '../../linux/rtnetlink/route-socket.ts';
import { changeVxlanLocal, type VxlanOptions } from '../../linux/rtnetlink/vxlan.ts';
import { type Operation, PORT } from './difference.ts';
import type { FailedStep } from './kernel-failure.ts';
import type { AddressWish, RouteWish, TunnelWish } from './wish.ts';

/** What takes a container's namespace. Both throw what is in the way. */
export interface InsideContainers {
  /** Makes a container's interface again. */
  plugIn(port: string): void;
  resize(port: string, mtu: number): void;
}

/** What is no failure: what was to go had gone by itself. */
const GONE: ReadonlySet<string> = new Set(['ENODEV', 'ESRCH', 'ENOENT', 'EADDRNOTAVAIL']);

/**
 * Takes the steps in their order, on another thread but for those that reach into a container. Each is tried, whatever
 * became of those before; returns those that could not be.
 */
export async function apply(steps: readonly Operation[], socket: RouteSocket, inside: InsideContainers): Promise<readonly FailedStep[]> {
  const failed: FailedStep[] = [];
  let batch: { step: Operation; request: NetlinkRequest }[] = [];
  let indices = indicesOf(socket);
  let isStale = false;
  const flush = async (): Promise<void> => {
    const sent = batch;
    batch = [];
    const answers = await socket.background(sent.map(({ request }) => request));
    for (const [at, error] of answers.entries()) {
      const step = sent[at]?.step;
      if (error !== undefined && step !== undefined && !(step.do.startsWith('delete') && GONE.has(error.code)))
        failed.push({ step, error });
    }
  };
  const attempt = (step: Operation, body: () => void): void => {
    try {
      body();
    } catch (error) {
      failed.push({ step, error: asError(error) });
    }
  };
  for (const step of steps) {
    if (step.do === 'delete-link') {
      await flush();
      await socket.deleteLinks([step.index]).catch((error: unknown) => failed.push({ step, error: asError(error) }));
      continue;
    }
    if (step.do === 'plug-in' || step.do === 'resize-port') {
      await flush();
      attempt(step, () => (step.do === 'plug-in' ? inside.plugIn(step.port) : inside.resize(step.port, step.mtu)));
      isStale = true;
      continue;
    }
    if (step.do === 'make-link') isStale = true;
    else if (isStale && step.do !== 'change-link') {
      await flush();
      indices = indicesOf(socket);
      isStale = false;
    }
    attempt(step, () => {
      for (const request of requestsFor(step, indices)) batch.push({ step, request });
    });
  }
  await flush();
  return failed;
}

function requestsFor(
  step: Exclude<Operation, { do: 'delete-link' | 'plug-in' | 'resize-port' }>,
  indices: ReadonlyMap<string, number>,
): NetlinkRequest[] {
  const indexOf = (name: string): number => {
    const index = indices.get(name);
    if (index === undefined) throw new Error(`device ${name} is not there`);
    return index;
  };
  switch (step.do) {
    case 'make-link': {
      const { link } = step;
      if (link.kind === 'bridge') return [addBridge({ name: link.name, mac: link.mac, up: true }, { multicastSnooping: false })];
      return [addVxlan({ name: link.name, mac: link.mac, mtu: link.mtu, up: true }, vxlanOptions(link))];
    }
    case 'change-link':
      return [changeLink(step.name, step.change)];
    case 'change-tunnel':
      return [changeVxlanLocal(indexOf(step.link.name), step.link.vni, step.link.local)];
    case 'put-on-bridge':
      return [changeLink(step.port, { master: indexOf(step.bridge) })];
    case 'set-port':
      return [changeBridgePort(indexOf(step.port), PORT)];
    case 'add-address':
      return [addAddress(addressOn(step.address, indexOf))];
    case 'delete-address':
      return [deleteAddress(addressOn(step.address, indexOf))];
    case 'put-route':
      return [replaceRoute(routeOn(step.route, indexOf))];
    case 'delete-route':
      return [deleteRoute(routeOn(step.route, indexOf))];
    case 'put-neighbour':
      return [addNeighbour(indexOf(step.neighbour.link), step.neighbour.address, step.neighbour.mac)];
    case 'delete-neighbour':
      return [deleteNeighbour(indexOf(step.neighbour.link), step.neighbour.address)];
    case 'put-fdb':
      return [addFdbEntry(indexOf(step.entry.link), step.entry.mac, step.entry.remote)];
    case 'delete-fdb': {
      const { link, mac, remote } = step.entry;
      return [deleteFdbEntry({ index: indexOf(link), mac, remote, permanent: true, self: true, master: 0 })];
    }
    default:
      return assertNever(step);
  }
}

const vxlanOptions = ({ vni, port, local }: TunnelWish): VxlanOptions => ({
  vni,
  port,
  local,
  learning: false,
  checksum: true,
  inheritTos: false,
});

function addressOn({ link, address, prefix }: AddressWish, indexOf: (name: string) => number) {
  return { index: indexOf(link), address, prefix, scope: 'global', noPrefixRoute: prefix < 32 } as const;
}

function routeOn({ destination, link, via, mtu, metric }: RouteWish, indexOf: (name: string) => number): Route {
  return {
    destination,
    type: link === undefined ? 'unreachable' : 'unicast',
    via,
    onlink: via !== undefined,
    device: link === undefined ? 0 : indexOf(link),
    mtu,
    source: undefined,
    metric,
    scope: link !== undefined && via === undefined ? 'link' : 'global',
    protocol: OUR_PROTOCOL,
    table: MAIN_TABLE,
  };
}

const indicesOf = (socket: RouteSocket): ReadonlyMap<string, number> => new Map(socket.links().map(({ name, index }) => [name, index]));

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
