import { attribute, macAttribute, nestedAttribute, NLM_F_CREATE, NLM_F_EXCL, numberAttribute, textAttribute } from '../netlink.ts';
import type { NetlinkRequest } from '../netlink.ts';
import { bridgeData, type BridgeOptions } from './bridge.ts';
import { vxlanData, type VxlanOptions } from './vxlan.ts';

/** Requests about network devices: what rtnetlink(7) calls links. All of them act in the socket's namespace. */

/** What any device can be given when it is made. */
export interface NewLink {
  /** At most 15 bytes. */
  readonly name: string;
  /** `aa:bb:cc:dd:ee:ff`; undefined: the kernel draws one. */
  readonly mac?: string | undefined;
  readonly mtu?: number | undefined;
  /** Index of the bridge that it is to be a port of. */
  readonly master?: number | undefined;
  readonly up: boolean;
}

/** The other end of a veth pair. It comes down: as it is made the kernel hasn't joined the two yet, and refuses (ENOTCONN). */
export interface NewPeer extends Omit<NewLink, 'master' | 'up'> {
  /** The namespace where it shall be, by an open descriptor; undefined: this one. */
  readonly netnsFd?: number | undefined;
}

/** What to change of a device; what is undefined stays. */
export interface LinkChange {
  readonly up?: boolean | undefined;
  readonly mtu?: number | undefined;
  readonly mac?: string | undefined;
  /** Index of a bridge; 0: of none. */
  readonly master?: number | undefined;
  /** Marks a device, at most 255 bytes; '' takes the mark away. The kernel does not take it at creation. */
  readonly alias?: string | undefined;
  /** A new name. Only a device that is down, or on a kernel from 6.2, can be renamed. */
  readonly name?: string | undefined;
  /** Moves it to the namespace of this open descriptor, where it arrives down. */
  readonly netnsFd?: number | undefined;
}

/** By index, or by name. */
export type LinkRef = number | string;

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_IFALIAS = 20;
const IFLA_GROUP = 27;
const IFLA_NET_NS_FD = 28;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;
const IFF_UP = 1;

export function addVeth(link: NewLink, peer: NewPeer): NetlinkRequest {
  const { netnsFd } = peer;
  const peerBody = [
    header(0, undefined),
    ...attributesOf(peer),
    ...(netnsFd === undefined ? [] : [numberAttribute(IFLA_NET_NS_FD, netnsFd)]),
  ];
  return newLink(link, 'veth', [nestedAttribute(VETH_INFO_PEER, peerBody)]);
}

export const addBridge = (link: NewLink, options: BridgeOptions): NetlinkRequest => newLink(link, 'bridge', bridgeData(options));

export const addVxlan = (link: NewLink, options: VxlanOptions): NetlinkRequest => newLink(link, 'vxlan', vxlanData(options));

export function changeLink(link: LinkRef, change: LinkChange): NetlinkRequest {
  const { up, mtu, mac, master, alias, name, netnsFd } = change;
  const attributes: Buffer[] = [];
  if (typeof link === 'string') attributes.push(textAttribute(IFLA_IFNAME, link));
  if (name !== undefined) attributes.push(textAttribute(IFLA_IFNAME, name));
  if (mac !== undefined) attributes.push(macAttribute(IFLA_ADDRESS, mac));
  if (mtu !== undefined) attributes.push(numberAttribute(IFLA_MTU, mtu));
  if (master !== undefined) attributes.push(numberAttribute(IFLA_MASTER, master));
  if (alias !== undefined) attributes.push(attribute(IFLA_IFALIAS, Buffer.from(alias)));
  if (netnsFd !== undefined) attributes.push(numberAttribute(IFLA_NET_NS_FD, netnsFd));
  const body = Buffer.concat([header(typeof link === 'number' ? link : 0, up), ...attributes]);
  return { what: `change link ${link}`, type: RTM_NEWLINK, flags: 0, body };
}

/**
 * Asks for a device, for what that does on kernels from 6.8: a carrier that has just come is made use of now, and not
 * when the kernel's worker gets to it, up to a second later. Before, a bridge's port drops what it gets.
 */
export const settleCarrier = (index: number): NetlinkRequest => ({
  what: `settle carrier of link ${index}`,
  type: RTM_GETLINK,
  flags: 0,
  body: header(index, undefined),
});

/** Blocks 20 to 60 ms in the kernel: for `RouteSocket.background`, or see its `deleteLinks`. Of a veth pair both ends go. */
export function deleteLink(link: LinkRef): NetlinkRequest {
  const byName = typeof link === 'string' ? [textAttribute(IFLA_IFNAME, link)] : [];
  const body = Buffer.concat([header(typeof link === 'number' ? link : 0, undefined), ...byName]);
  return { what: `delete link ${link}`, type: RTM_DELLINK, flags: 0, body };
}

/** Puts a device in a group, to be deleted with it. Group 0 is where all devices are at first. */
export function setLinkGroup(index: number, group: number): NetlinkRequest {
  const body = Buffer.concat([header(index, undefined), numberAttribute(IFLA_GROUP, group)]);
  return { what: `put link ${index} in group ${group}`, type: RTM_NEWLINK, flags: 0, body };
}

/** All devices of a group in one go. ENODEV where it has none. */
export function deleteLinkGroup(group: number): NetlinkRequest {
  return {
    what: `delete link group ${group}`,
    type: RTM_DELLINK,
    flags: 0,
    body: Buffer.concat([header(0, undefined), numberAttribute(IFLA_GROUP, group)]),
  };
}

function newLink(link: NewLink, kind: string, data: readonly Buffer[]): NetlinkRequest {
  const info = [textAttribute(IFLA_INFO_KIND, kind), ...(data.length === 0 ? [] : [nestedAttribute(IFLA_INFO_DATA, data)])];
  const body = Buffer.concat([header(0, link.up), ...attributesOf(link), nestedAttribute(IFLA_LINKINFO, info)]);
  return { what: `add ${kind} ${link.name}`, type: RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, body };
}

function attributesOf({ name, mac, mtu, master }: Omit<NewLink, 'up'>): Buffer[] {
  return [
    textAttribute(IFLA_IFNAME, name),
    ...(mac === undefined ? [] : [macAttribute(IFLA_ADDRESS, mac)]),
    ...(mtu === undefined ? [] : [numberAttribute(IFLA_MTU, mtu)]),
    ...(master === undefined ? [] : [numberAttribute(IFLA_MASTER, master)]),
  ];
}

/** struct ifinfomsg: family, type, index, flags, change mask. */
function header(index: number, up: boolean | undefined): Buffer {
  const info = Buffer.alloc(16);
  info.writeInt32LE(index, 4);
  if (up !== undefined) {
    info.writeUInt32LE(up ? IFF_UP : 0, 8);
    info.writeUInt32LE(IFF_UP, 12);
  }
  return info;
}
