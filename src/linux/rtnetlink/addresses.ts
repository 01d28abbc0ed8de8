import { formatIpv4 } from '../../lib/ipv4.ts';
import {
  decodeAttributes,
  ipv4Attribute,
  ipv4In,
  type NetlinkRequest,
  NLM_F_CREATE,
  NLM_F_REPLACE,
  numberAttribute,
  numberIn,
} from '../netlink.ts';
import { type Scope, scopeNumber, scopeOf } from './scope.ts';

/** An IPv4 address of a device. */
export interface Address {
  /** Of the device. */
  readonly index: number;
  readonly address: number;
  /** The kernel makes a route for its block by itself, unless 32 or `noPrefixRoute`. */
  readonly prefix: number;
  readonly scope: Scope;
  /** The address serves, its block is routed by somebody else. */
  readonly noPrefixRoute: boolean;
}

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
const AF_INET = 2;
const MESSAGE_BYTES = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
const IFA_F_NOPREFIXROUTE = 0x200;

/** Idempotent. */
export const addAddress = (address: Address): NetlinkRequest => ({
  what: `add address ${text(address)}`,
  type: RTM_NEWADDR,
  flags: NLM_F_CREATE | NLM_F_REPLACE,
  body: encode(address),
});

/** EADDRNOTAVAIL where it isn't there. */
export const deleteAddress = (address: Address): NetlinkRequest => ({
  what: `delete address ${text(address)}`,
  type: RTM_DELADDR,
  flags: 0,
  body: encode(address),
});

/** Body of RTM_NEWADDR or RTM_DELADDR: struct ifaddrmsg and attributes. undefined: none of IPv4. */
export function decodeAddress(body: Buffer): Address | undefined {
  if (body.length < MESSAGE_BYTES || body[0] !== AF_INET) return undefined;
  const attributes = decodeAttributes(body, MESSAGE_BYTES);
  const address = ipv4In(attributes, IFA_LOCAL) ?? ipv4In(attributes, IFA_ADDRESS);
  if (address === undefined) return undefined;
  return {
    index: body.readUInt32LE(4),
    address,
    prefix: body.readUInt8(1),
    scope: scopeOf(body.readUInt8(3)),
    noPrefixRoute: ((numberIn(attributes, IFA_FLAGS) ?? 0) & IFA_F_NOPREFIXROUTE) !== 0,
  };
}

function encode({ index, address, prefix, scope, noPrefixRoute }: Address): Buffer {
  // struct ifaddrmsg: family, prefix length, flags, scope, index.
  const message = Buffer.from([AF_INET, prefix, 0, scopeNumber(scope), 0, 0, 0, 0]);
  message.writeUInt32LE(index, 4);
  const flags = noPrefixRoute ? [numberAttribute(IFA_FLAGS, IFA_F_NOPREFIXROUTE)] : [];
  return Buffer.concat([message, ipv4Attribute(IFA_LOCAL, address), ipv4Attribute(IFA_ADDRESS, address), ...flags]);
}

const text = ({ address, prefix, index }: Address): string => `${formatIpv4(address)}/${prefix} of link ${index}`;
