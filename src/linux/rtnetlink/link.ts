import { byteIn, decodeAttributes, macIn, nestedIn, numberIn, textIn } from '../netlink.ts';
import {
  BRIDGE_ATTRIBUTES,
  BRIDGE_PORT_ATTRIBUTES,
  type BridgeOptions,
  type BridgePort,
  decodeBridge,
  decodeBridgePort,
} from './bridge.ts';
import { decodeVxlan, VXLAN_ATTRIBUTES, type VxlanOptions } from './vxlan.ts';

/** A network device as the kernel tells it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** `veth`, `bridge`, `vxlan`, …; '' for hardware and loopback. */
  readonly kind: string;
  /** '' where it has none. */
  readonly mac: string;
  readonly mtu: number;
  /** Set up by somebody. */
  readonly up: boolean;
  /** Up, and with a carrier. */
  readonly running: boolean;
  readonly loopback: boolean;
  /** Index of the bridge that it is a port of; 0: of none. */
  readonly master: number;
  /** The mark that somebody set; ''. */
  readonly alias: string;
  readonly group: number;
  /** Of a veth: index of its other end, in that one's namespace; else of the device below. 0: none. */
  readonly peer: number;
  /** Whether `peer` counts in another namespace. */
  readonly peerIsElsewhere: boolean;
  readonly vxlan: VxlanOptions | undefined;
  readonly bridge: BridgeOptions | undefined;
  /** Where its master is a bridge. */
  readonly port: BridgePort | undefined;
}

const INFO_BYTES = 16;
const IFF_UP = 1;
const IFF_LOOPBACK = 8;
const IFF_LOWER_UP = 0x10000;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_IFALIAS = 20;
const IFLA_GROUP = 27;
const IFLA_CARRIER = 33;
const IFLA_LINK_NETNSID = 37;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_INFO_SLAVE_DATA = 5;
/** A device has some forty. */
const WANTED: ReadonlySet<number> = new Set([
  IFLA_ADDRESS,
  IFLA_IFNAME,
  IFLA_MTU,
  IFLA_LINK,
  IFLA_MASTER,
  IFLA_LINKINFO,
  IFLA_IFALIAS,
  IFLA_GROUP,
  IFLA_CARRIER,
  IFLA_LINK_NETNSID,
]);

/** Body of RTM_NEWLINK or RTM_DELLINK: struct ifinfomsg and attributes. undefined: too short to be one. */
export function decodeLink(body: Buffer): Link | undefined {
  if (body.length < INFO_BYTES) return undefined;
  const flags = body.readUInt32LE(8);
  const attributes = decodeAttributes(body, INFO_BYTES, WANTED);
  const info = nestedIn(attributes, IFLA_LINKINFO);
  const kind = textIn(info, IFLA_INFO_KIND);
  return {
    index: body.readInt32LE(4),
    name: textIn(attributes, IFLA_IFNAME),
    kind,
    mac: macIn(attributes, IFLA_ADDRESS),
    mtu: numberIn(attributes, IFLA_MTU) ?? 0,
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_UP) !== 0 && ((flags & IFF_LOWER_UP) !== 0 || byteIn(attributes, IFLA_CARRIER) === 1),
    loopback: (flags & IFF_LOOPBACK) !== 0,
    master: numberIn(attributes, IFLA_MASTER) ?? 0,
    alias: textIn(attributes, IFLA_IFALIAS),
    group: numberIn(attributes, IFLA_GROUP) ?? 0,
    peer: numberIn(attributes, IFLA_LINK) ?? 0,
    peerIsElsewhere: attributes.has(IFLA_LINK_NETNSID),
    vxlan: kind === 'vxlan' ? decodeVxlan(nestedIn(info, IFLA_INFO_DATA, VXLAN_ATTRIBUTES)) : undefined,
    bridge: kind === 'bridge' ? decodeBridge(nestedIn(info, IFLA_INFO_DATA, BRIDGE_ATTRIBUTES)) : undefined,
    port:
      textIn(info, IFLA_INFO_SLAVE_KIND) === 'bridge'
        ? decodeBridgePort(nestedIn(info, IFLA_INFO_SLAVE_DATA, BRIDGE_PORT_ATTRIBUTES))
        : undefined,
  };
}
