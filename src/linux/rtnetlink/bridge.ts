import { type Attributes, byteAttribute, byteIn, nestedAttribute, type NetlinkRequest, numberAttribute } from '../netlink.ts';

/** A bridge without spanning tree: IFLA_BR_* of linux/if_link.h. */
export interface BridgeOptions {
  /** Off: multicast is flooded to all ports, and nobody waits for a querier. */
  readonly multicastSnooping: boolean;
}

/** A bridge's port: IFLA_BRPORT_*. */
export interface BridgePort {
  /** Whether a frame may leave by the port it came from: what a container needs to reach its own published port. */
  readonly hairpin: boolean;
  readonly learning: boolean;
  /** Isolated ports of a bridge reach only ports that are not. */
  readonly isolated: boolean;
}

const RTM_SETLINK = 19;
const AF_BRIDGE = 7;
const IFLA_PROTINFO = 12;
const IFLA_BR_STP_STATE = 5;
const IFLA_BR_MCAST_SNOOPING = 23;
const IFLA_BRPORT_MODE = 4;
const IFLA_BRPORT_LEARNING = 8;
const IFLA_BRPORT_ISOLATED = 33;
/** Of dozens, what is read here. */
export const BRIDGE_ATTRIBUTES: ReadonlySet<number> = new Set([IFLA_BR_MCAST_SNOOPING]);
export const BRIDGE_PORT_ATTRIBUTES: ReadonlySet<number> = new Set([IFLA_BRPORT_MODE, IFLA_BRPORT_LEARNING, IFLA_BRPORT_ISOLATED]);

export function bridgeData({ multicastSnooping }: BridgeOptions): Buffer[] {
  return [numberAttribute(IFLA_BR_STP_STATE, 0), byteAttribute(IFLA_BR_MCAST_SNOOPING, multicastSnooping ? 1 : 0)];
}

export const decodeBridge = (data: Attributes): BridgeOptions => ({ multicastSnooping: byteIn(data, IFLA_BR_MCAST_SNOOPING) === 1 });

/** Changes a port of a bridge; what is undefined stays. */
export function changeBridgePort(index: number, { hairpin, learning, isolated }: Partial<BridgePort>): NetlinkRequest {
  const info = Buffer.alloc(16);
  info[0] = AF_BRIDGE;
  info.writeInt32LE(index, 4);
  const options = [...flag(IFLA_BRPORT_MODE, hairpin), ...flag(IFLA_BRPORT_LEARNING, learning), ...flag(IFLA_BRPORT_ISOLATED, isolated)];
  const body = Buffer.concat([info, nestedAttribute(IFLA_PROTINFO, options)]);
  return { what: `change bridge port ${index}`, type: RTM_SETLINK, flags: 0, body };
}

export function decodeBridgePort(data: Attributes): BridgePort {
  return {
    hairpin: byteIn(data, IFLA_BRPORT_MODE) === 1,
    learning: byteIn(data, IFLA_BRPORT_LEARNING) === 1,
    isolated: byteIn(data, IFLA_BRPORT_ISOLATED) === 1,
  };
}

const flag = (type: number, value: boolean | undefined): Buffer[] => (value === undefined ? [] : [byteAttribute(type, value ? 1 : 0)]);
