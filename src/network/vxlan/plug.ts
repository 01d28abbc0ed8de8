import { closeSync, openSync } from 'node:fs';
import { linkIndex } from '../../linux/link.ts';
import { inNetns } from '../../linux/netns.ts';
import { addAddress } from '../../linux/rtnetlink/addresses.ts';
import { changeBridgePort } from '../../linux/rtnetlink/bridge.ts';
import { addVeth, changeLink, settleCarrier } from '../../linux/rtnetlink/links.ts';
import { deleteNeighbour } from '../../linux/rtnetlink/neighbours.ts';
import { RouteSocket } from '../../linux/rtnetlink/route-socket.ts';
import { addRoute, MAIN_TABLE, OUR_PROTOCOL } from '../../linux/rtnetlink/routes.ts';
import { portMac } from './names.ts';

/** A container's interface as it shall be, on both ends. */
export interface PlugOptions {
  /** Of the container's namespace. */
  readonly netns: string;
  /** Name of the host's end. */
  readonly port: string;
  readonly alias: string;
  /** Index of the network's bridge. */
  readonly bridge: number;
  /** In the container. */
  readonly interfaceName: string;
  readonly mac: string;
  readonly mtu: number;
  readonly address: number;
  /** Of the subnet: the container takes all of it for neighbours, and the bridge answers for those elsewhere. */
  readonly prefix: number;
  /** undefined: it isn't the container's default route. */
  readonly gateway: number | undefined;
}

/**
 * Makes a container's interface: a pair of devices, one on the bridge, one in the container, which tells its neighbours
 * of itself as it comes up. About a millisecond, all on this thread, so that nothing comes between. Where it throws,
 * or the process is killed, the host's end may be there, without the alias, which comes last: deleting it takes both.
 * @throws SystemError
 */
export function plugIn(socket: RouteSocket, options: PlugOptions): void {
  const { port, alias, bridge, interfaceName, mac, mtu, address, prefix, gateway } = options;
  // Packets that the host holds back for whoever had the address before are not for this one.
  const [error] = socket.batch([deleteNeighbour(bridge, address)]);
  if (error !== undefined && error.code !== 'ENOENT') throw error;
  const netnsFd = openSync(options.netns, 'r');
  try {
    // Alone: where the name is another's, that one is left as it is.
    socket.must([
      addVeth({ name: port, mac: portMac(address), mtu, master: bridge, up: true }, { name: interfaceName, mac, mtu, netnsFd }),
    ]);
  } finally {
    closeSync(netnsFd);
  }
  const index = linkIndex(port);
  socket.must([changeBridgePort(index, { hairpin: true })]);
  inNetns(options.netns, () => {
    const inside = RouteSocket.open();
    try {
      const device = linkIndex(interfaceName);
      inside.must([
        addAddress({ index: device, address, prefix, scope: 'global', noPrefixRoute: false }),
        changeLink(device, { up: true }),
        ...(gateway === undefined ? [] : [defaultRoute(gateway, device)]),
      ]);
    } finally {
      inside.close();
    }
  });
  // The bridge has a carrier only while one of its ports has.
  socket.must([settleCarrier(index), settleCarrier(bridge), changeLink(index, { alias })]);
}

/** Makes a container's interface its way out; it must have no other. @throws SystemError */
export function leadOut(netns: string, interfaceName: string, gateway: number): void {
  inNetns(netns, () => {
    const inside = RouteSocket.open();
    try {
      inside.must([defaultRoute(gateway, linkIndex(interfaceName))]);
    } finally {
      inside.close();
    }
  });
}

/** Sets the MTU of both ends of a container's interface. @throws SystemError */
export function resize(socket: RouteSocket, netns: string, port: string, mtu: number): void {
  const link = socket.links().find(({ name }) => name === port);
  if (link === undefined) throw new Error(`device ${port} is not there`);
  const inside = RouteSocket.openIn(netns);
  try {
    inside.must([changeLink(link.peer, { mtu })]);
  } finally {
    inside.close();
  }
  socket.must([changeLink(link.index, { mtu })]);
}

const defaultRoute = (gateway: number, device: number) =>
  addRoute({
    destination: { base: 0, prefix: 0 },
    type: 'unicast',
    via: gateway,
    onlink: false,
    device,
    mtu: 0,
    source: undefined,
    metric: 0,
    scope: 'global',
    protocol: OUR_PROTOCOL,
    table: MAIN_TABLE,
  });
