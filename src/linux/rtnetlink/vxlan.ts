import {
  type Attributes,
  byteAttribute,
  byteIn,
  ipv4Attribute,
  ipv4In,
  nestedAttribute,
  type NetlinkRequest,
  numberAttribute,
  numberIn,
  portAttribute,
  portIn,
  textAttribute,
} from '../netlink.ts';

/** A VXLAN device (RFC 7348) whose remote ends come from its FDB alone: IFLA_VXLAN_* of linux/if_link.h. */
export interface VxlanOptions {
  readonly vni: number;
  /** UDP, ours and theirs. */
  readonly port: number;
  /** Source of the outer packets: an address of this host. 0: what the route says. */
  readonly local: number;
  readonly learning: boolean;
  /** Whether outer UDP carries a checksum: what the kernel does by itself, and with it receive offload works. */
  readonly checksum: boolean;
  /** Whether outer packets carry the DSCP marks of the inner. */
  readonly inheritTos: boolean;
}

const RTM_NEWLINK = 16;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_VXLAN_ID = 1;
const IFLA_VXLAN_LOCAL = 4;
const IFLA_VXLAN_TTL = 5;
const IFLA_VXLAN_TOS = 6;
const IFLA_VXLAN_LEARNING = 7;
const IFLA_VXLAN_PORT = 15;
const IFLA_VXLAN_UDP_CSUM = 18;
/** Of dozens, what is read here. */
export const VXLAN_ATTRIBUTES: ReadonlySet<number> = new Set([
  IFLA_VXLAN_ID,
  IFLA_VXLAN_LOCAL,
  IFLA_VXLAN_TOS,
  IFLA_VXLAN_LEARNING,
  IFLA_VXLAN_PORT,
  IFLA_VXLAN_UDP_CSUM,
]);
const TTL = 64;
const TOS_INHERIT = 1;

export function vxlanData({ vni, port, local, learning, checksum, inheritTos }: VxlanOptions): Buffer[] {
  return [
    numberAttribute(IFLA_VXLAN_ID, vni),
    ...(local === 0 ? [] : [ipv4Attribute(IFLA_VXLAN_LOCAL, local)]),
    byteAttribute(IFLA_VXLAN_TTL, TTL),
    byteAttribute(IFLA_VXLAN_TOS, inheritTos ? TOS_INHERIT : 0),
    byteAttribute(IFLA_VXLAN_LEARNING, learning ? 1 : 0),
    portAttribute(IFLA_VXLAN_PORT, port),
    byteAttribute(IFLA_VXLAN_UDP_CSUM, checksum ? 1 : 0),
  ];
}

/** Another source for the outer packets of a device that is there, without a packet lost. */
export function changeVxlanLocal(index: number, vni: number, local: number): NetlinkRequest {
  // struct ifinfomsg: family, type, index, flags, change mask.
  const info = Buffer.alloc(16);
  info.writeInt32LE(index, 4);
  const data = [numberAttribute(IFLA_VXLAN_ID, vni), ipv4Attribute(IFLA_VXLAN_LOCAL, local)];
  const kind = [textAttribute(IFLA_INFO_KIND, 'vxlan'), nestedAttribute(IFLA_INFO_DATA, data)];
  return {
    what: `change source of VXLAN ${vni}`,
    type: RTM_NEWLINK,
    flags: 0,
    body: Buffer.concat([info, nestedAttribute(IFLA_LINKINFO, kind)]),
  };
}

export function decodeVxlan(data: Attributes): VxlanOptions {
  return {
    vni: numberIn(data, IFLA_VXLAN_ID) ?? 0,
    port: portIn(data, IFLA_VXLAN_PORT),
    local: ipv4In(data, IFLA_VXLAN_LOCAL) ?? 0,
    learning: byteIn(data, IFLA_VXLAN_LEARNING) === 1,
    checksum: byteIn(data, IFLA_VXLAN_UDP_CSUM) === 1,
    inheritTos: byteIn(data, IFLA_VXLAN_TOS) === TOS_INHERIT,
  };
}
