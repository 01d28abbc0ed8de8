import { formatIpv4 } from '../../lib/ipv4.ts';
import {
  decodeAttributes,
  ipv4Attribute,
  ipv4In,
  macAttribute,
  macIn,
  type NetlinkRequest,
  NLM_F_CREATE,
  NLM_F_REPLACE,
  numberIn,
} from '../netlink.ts';

/** An entry of the ARP table: which MAC an IPv4 address has on a device. */
export interface Neighbour {
  /** Of the device. */
  readonly index: number;
  readonly address: number;
  /** '' while nobody has answered. */
  readonly mac: string;
  /** Set by somebody, never asked for again, never aged out. */
  readonly permanent: boolean;
}

/** An entry of a forwarding table: where a device sends frames for a MAC. */
export interface FdbEntry {
  /** Of the device: a VXLAN one, or a bridge's port. */
  readonly index: number;
  readonly mac: string;
  /** VXLAN: IPv4 of the host behind which the MAC is. undefined: an entry of a bridge, or one that sends to another port, VNI or device than its own device does. */
  readonly remote: number | undefined;
  readonly permanent: boolean;
  /** In the device's own table, not in that of the bridge it is a port of. */
  readonly self: boolean;
  /** The bridge whose entry it is; 0: none's. */
  readonly master: number;
}

const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
export const RTM_GETNEIGH = 30;
const AF_INET = 2;
export const AF_BRIDGE = 7;
const MESSAGE_BYTES = 12;
const NTF_SELF = 2;
const NTF_MASTER = 4;
const NUD_NOARP = 0x40;
const NUD_PERMANENT = 0x80;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NDA_PORT = 6;
const NDA_VNI = 7;
const NDA_IFINDEX = 8;
const NDA_MASTER = 9;

/** A permanent entry, in the place of any for that address. */
export const addNeighbour = (index: number, address: number, mac: string): NetlinkRequest => ({
  what: `add neighbour ${formatIpv4(address)} of link ${index}`,
  type: RTM_NEWNEIGH,
  flags: NLM_F_CREATE | NLM_F_REPLACE,
  body: Buffer.concat([neighbourHeader(AF_INET, index, NUD_PERMANENT, 0), ipv4Attribute(NDA_DST, address), macAttribute(NDA_LLADDR, mac)]),
});

/** ENOENT where there is none. */
export const deleteNeighbour = (index: number, address: number): NetlinkRequest => ({
  what: `delete neighbour ${formatIpv4(address)} of link ${index}`,
  type: RTM_DELNEIGH,
  flags: 0,
  body: Buffer.concat([neighbourHeader(AF_INET, index, 0, 0), ipv4Attribute(NDA_DST, address)]),
});

/** A permanent entry of a VXLAN device's, in the place of any for that MAC. */
export const addFdbEntry = (index: number, mac: string, remote: number): NetlinkRequest => ({
  what: `add FDB entry ${mac} via ${formatIpv4(remote)} of link ${index}`,
  type: RTM_NEWNEIGH,
  flags: NLM_F_CREATE | NLM_F_REPLACE,
  body: Buffer.concat([
    neighbourHeader(AF_BRIDGE, index, NUD_PERMANENT | NUD_NOARP, NTF_SELF),
    macAttribute(NDA_LLADDR, mac),
    ipv4Attribute(NDA_DST, remote),
  ]),
});

/** ENOENT where there is none. */
export const deleteFdbEntry = ({ index, mac, remote, self }: FdbEntry): NetlinkRequest => ({
  what: `delete FDB entry ${mac} of link ${index}`,
  type: RTM_DELNEIGH,
  flags: 0,
  body: Buffer.concat([
    neighbourHeader(AF_BRIDGE, index, 0, self ? NTF_SELF : NTF_MASTER),
    macAttribute(NDA_LLADDR, mac),
    ...(remote === undefined ? [] : [ipv4Attribute(NDA_DST, remote)]),
  ]),
});

/** Body of RTM_NEWNEIGH or RTM_DELNEIGH. undefined: none of IPv4. */
export function decodeNeighbour(body: Buffer): Neighbour | undefined {
  if (body.length < MESSAGE_BYTES || body[0] !== AF_INET) return undefined;
  const attributes = decodeAttributes(body, MESSAGE_BYTES);
  const address = ipv4In(attributes, NDA_DST);
  if (address === undefined) return undefined;
  return { index: body.readInt32LE(4), address, mac: macIn(attributes, NDA_LLADDR), permanent: isPermanent(body) };
}

/** Body of RTM_NEWNEIGH or RTM_DELNEIGH. undefined: none of a forwarding table. */
export function decodeFdbEntry(body: Buffer): FdbEntry | undefined {
  if (body.length < MESSAGE_BYTES || body[0] !== AF_BRIDGE) return undefined;
  const attributes = decodeAttributes(body, MESSAGE_BYTES);
  const isPlain = ![NDA_PORT, NDA_VNI, NDA_IFINDEX].some((type) => attributes.has(type));
  return {
    index: body.readInt32LE(4),
    mac: macIn(attributes, NDA_LLADDR),
    remote: isPlain ? ipv4In(attributes, NDA_DST) : undefined,
    permanent: isPermanent(body),
    self: (body.readUInt8(10) & NTF_SELF) !== 0,
    master: numberIn(attributes, NDA_MASTER) ?? 0,
  };
}

const isPermanent = (body: Buffer): boolean => (body.readUInt16LE(8) & NUD_PERMANENT) !== 0;

/** struct ndmsg: family, index, state, flags, type. */
export function neighbourHeader(family: number, index: number, state: number, flags: number): Buffer {
  const bytes = Buffer.alloc(MESSAGE_BYTES);
  bytes[0] = family;
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt16LE(state, 8);
  bytes[10] = flags;
  return bytes;
}
