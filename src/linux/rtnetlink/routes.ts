import { type Cidr, formatCidr } from '../../lib/ipv4.ts';
import {
  decodeAttributes,
  ipv4Attribute,
  ipv4In,
  nestedAttribute,
  nestedIn,
  type NetlinkRequest,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  numberAttribute,
  numberIn,
} from '../netlink.ts';
import { type Scope, scopeNumber, scopeOf } from './scope.ts';

/** An IPv4 route with one next hop at most: struct rtmsg and attributes of linux/rtnetlink.h. */
export interface Route {
  readonly destination: Cidr;
  readonly type: RouteType;
  /** The next hop; undefined: it is on the link. */
  readonly via: number | undefined;
  /** `via` need not be on a block of the device's. */
  readonly onlink: boolean;
  /** Index of the device; 0: none, for types that end a packet here. */
  readonly device: number;
  /** RTAX_MTU; 0: the device's. */
  readonly mtu: number;
  /** Source of packets that the host itself sends; undefined: chosen by the kernel. */
  readonly source: number | undefined;
  /** RTA_PRIORITY: of two routes to one block the lower is used. */
  readonly metric: number;
  readonly scope: Scope;
  /** Who set it: a number of one's own tells one's own routes. */
  readonly protocol: number;
  readonly table: number;
}

export type RouteType = 'unicast' | 'local' | 'broadcast' | 'blackhole' | 'unreachable' | 'prohibit' | 'other';

/** What routes that this project sets carry; not in /etc/iproute2/rt_protos, nor taken by a routing daemon known. */
export const OUR_PROTOCOL = 0xca;
export const MAIN_TABLE = 254;

const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
const AF_INET = 2;
const MESSAGE_BYTES = 12;
const RTNH_F_ONLINK = 4;
const RTM_F_CLONED = 0x200;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_METRICS = 8;
export const RTA_TABLE = 15;
const RTAX_MTU = 2;
const TYPES: Partial<Record<RouteType, number>> = { unicast: 1, local: 2, broadcast: 3, blackhole: 6, unreachable: 7, prohibit: 8 };

/** EEXIST where there is one of the same destination, table and metric. */
export const addRoute = (route: Route): NetlinkRequest => change('add', RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route);

/** In the place of one of the same destination, table and metric, without a moment between; added where there is none. */
export const replaceRoute = (route: Route): NetlinkRequest => change('replace', RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);

/** ESRCH where there is none just like it. */
export const deleteRoute = (route: Route): NetlinkRequest => change('delete', RTM_DELROUTE, 0, route);

/** Body of RTM_NEWROUTE or RTM_DELROUTE. undefined: none of IPv4, or a cache entry. */
export function decodeRoute(body: Buffer): Route | undefined {
  if (body.length < MESSAGE_BYTES || body[0] !== AF_INET) return undefined;
  const flags = body.readUInt32LE(8);
  if ((flags & RTM_F_CLONED) !== 0) return undefined;
  const attributes = decodeAttributes(body, MESSAGE_BYTES);
  const type = body.readUInt8(7);
  return {
    destination: { base: ipv4In(attributes, RTA_DST) ?? 0, prefix: body.readUInt8(1) },
    type: (Object.keys(TYPES) as RouteType[]).find((name) => TYPES[name] === type) ?? 'other',
    via: ipv4In(attributes, RTA_GATEWAY),
    onlink: (flags & RTNH_F_ONLINK) !== 0,
    device: numberIn(attributes, RTA_OIF) ?? 0,
    mtu: numberIn(nestedIn(attributes, RTA_METRICS), RTAX_MTU) ?? 0,
    source: ipv4In(attributes, RTA_PREFSRC),
    metric: numberIn(attributes, RTA_PRIORITY) ?? 0,
    scope: scopeOf(body.readUInt8(6)),
    protocol: body.readUInt8(5),
    table: numberIn(attributes, RTA_TABLE) ?? body.readUInt8(4),
  };
}

function change(verb: string, type: number, flags: number, route: Route): NetlinkRequest {
  return { what: `${verb} route ${formatCidr(route.destination)}`, type, flags, body: encode(route) };
}

function encode({ destination, type, via, onlink, device, mtu, source, metric, scope, protocol, table }: Route): Buffer {
  // struct rtmsg: family, destination and source length, tos, table, protocol, scope, type, flags.
  const message = Buffer.from([AF_INET, destination.prefix, 0, 0, 0, protocol, scopeNumber(scope), TYPES[type] ?? 0, 0, 0, 0, 0]);
  message.writeUInt32LE(onlink ? RTNH_F_ONLINK : 0, 8);
  return Buffer.concat([
    message,
    ipv4Attribute(RTA_DST, destination.base),
    numberAttribute(RTA_TABLE, table),
    ...(device === 0 ? [] : [numberAttribute(RTA_OIF, device)]),
    ...(via === undefined ? [] : [ipv4Attribute(RTA_GATEWAY, via)]),
    ...(source === undefined ? [] : [ipv4Attribute(RTA_PREFSRC, source)]),
    ...(metric === 0 ? [] : [numberAttribute(RTA_PRIORITY, metric)]),
    ...(mtu === 0 ? [] : [nestedAttribute(RTA_METRICS, [numberAttribute(RTAX_MTU, mtu)])]),
  ]);
}
