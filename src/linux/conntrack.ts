import {
  attribute,
  byteAttribute,
  byteIn,
  decodeAttributes,
  ipv4In,
  nestedAttribute,
  nestedIn,
  type NetlinkRequest,
  numberAttribute,
  portAttribute,
  portIn,
} from './netlink.ts';

/** What the kernel's connection tracking knows of a flow of UDP over IPv4: linux/netfilter/nfnetlink_conntrack.h. */
export interface UdpFlow {
  /** Where its first datagram was sent. */
  readonly destination: number;
  readonly port: number;
  /** Where that went: elsewhere if its destination was translated. */
  readonly to: number;
  readonly toPort: number;
  readonly isTranslated: boolean;
  /** What the kernel knows it by: its first direction, as the kernel told it. */
  readonly tuple: Buffer;
  readonly id: Buffer;
}

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_STATUS = 3;
const CTA_ID = 12;
const CTA_FILTER = 25;
const CTA_FILTER_ORIG_FLAGS = 1;
const CTA_FILTER_F_PROTO_NUM = 1 << 3;
const CTA_FILTER_F_PROTO_DST_PORT = 1 << 5;
const CTA_TUPLE_IP = 1;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_TUPLE_PROTO = 2;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const IPS_DST_NAT = 1 << 5;
const AF_INET = 2;
const UDP = 17;
const NLA_F_NESTED = 0x8000;
const NFGEN_BYTES = 4;
const HEADER = Buffer.from([AF_INET, 0, 0, 0]);
const WANTED: ReadonlySet<number> = new Set([CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_STATUS, CTA_ID]);

/** For `NetlinkSocket.dump`. Kernels before 5.8 list all there is. @param port where flows were sent; undefined: anywhere */
export function listUdpFlows(port: number | undefined): NetlinkRequest {
  const flags = CTA_FILTER_F_PROTO_NUM | (port === undefined ? 0 : CTA_FILTER_F_PROTO_DST_PORT);
  const like = [byteAttribute(CTA_PROTO_NUM, UDP), ...(port === undefined ? [] : [portAttribute(CTA_PROTO_DST_PORT, port)])];
  return request('list flows', IPCTNL_MSG_CT_GET, [
    nestedAttribute(CTA_TUPLE_ORIG, [nestedAttribute(CTA_TUPLE_PROTO, like)]),
    nestedAttribute(CTA_FILTER, [numberAttribute(CTA_FILTER_ORIG_FLAGS, flags)]),
  ]);
}

/** Its next datagram is the first of another. ENOENT where it has ended. */
export const deleteFlow = ({ tuple, id, port }: UdpFlow): NetlinkRequest =>
  request(`delete flow to port ${port}`, IPCTNL_MSG_CT_DELETE, [attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, tuple), attribute(CTA_ID, id)]);

/** Body of a message of the list. undefined: no UDP over IPv4. */
export function decodeUdpFlow(body: Buffer): UdpFlow | undefined {
  const attributes = decodeAttributes(body, NFGEN_BYTES, WANTED);
  const [tuple, id, status] = [CTA_TUPLE_ORIG, CTA_ID, CTA_STATUS].map((type) => attributes.get(type));
  const first = nestedIn(attributes, CTA_TUPLE_ORIG);
  const protocol = nestedIn(first, CTA_TUPLE_PROTO);
  const destination = ipv4In(nestedIn(first, CTA_TUPLE_IP), CTA_IP_V4_DST);
  const answers = nestedIn(attributes, CTA_TUPLE_REPLY);
  const to = ipv4In(nestedIn(answers, CTA_TUPLE_IP), CTA_IP_V4_SRC);
  if (byteIn(protocol, CTA_PROTO_NUM) !== UDP || tuple === undefined || id === undefined) return undefined;
  if (destination === undefined || to === undefined) return undefined;
  return {
    destination,
    port: portIn(protocol, CTA_PROTO_DST_PORT),
    to,
    toPort: portIn(nestedIn(answers, CTA_TUPLE_PROTO), CTA_PROTO_SRC_PORT),
    isTranslated: status?.length === 4 && (status.readUInt32BE(0) & IPS_DST_NAT) !== 0,
    // Views of what is read over.
    tuple: Buffer.from(tuple),
    id: Buffer.from(id),
  };
}

function request(what: string, message: number, attributes: readonly Buffer[]): NetlinkRequest {
  return { what, type: NFNL_SUBSYS_CTNETLINK * 256 + message, flags: 0, body: Buffer.concat([HEADER, ...attributes]) };
}
