import { decodeAttributes, decodeMessages, type NetlinkMessage, numberIn, textIn } from './netlink.ts';
import { NETLINK_ROUTE } from './netlink-socket.ts';
import { type Address, decodeAddress } from './rtnetlink/addresses.ts';
import { decodeLink, type Link } from './rtnetlink/link.ts';
import { AF_BRIDGE, decodeFdbEntry, decodeNeighbour, type FdbEntry, type Neighbour } from './rtnetlink/neighbours.ts';
import { decodeRoute, type Route } from './rtnetlink/routes.ts';

/** Something changed in the kernel. */
export type KernelEvent =
  /** News were dropped: anything may have changed. */
  { readonly kind: 'lost' } | KernelChange;

type KernelChange = {
  /** Netlink port of who did it (`RouteSocket.ports`; of a program mostly its process id); 0: the kernel by itself, or it doesn't say, as of links. */
  readonly port: number;
} & (
  | { readonly kind: 'link'; readonly gone: boolean; readonly link: Link }
  /** The bridge's options of a port: ask for the link. */
  | { readonly kind: 'bridge-port'; readonly gone: boolean; readonly index: number }
  | { readonly kind: 'address'; readonly gone: boolean; readonly address: Address }
  | { readonly kind: 'route'; readonly gone: boolean; readonly route: Route }
  | { readonly kind: 'neighbour'; readonly gone: boolean; readonly neighbour: Neighbour }
  | { readonly kind: 'fdb'; readonly gone: boolean; readonly entry: FdbEntry }
  /** Settings of a device below /proc/sys/net/ipv4/conf, by their names there; those that the kernel tells of, of which some may be as before. */
  | { readonly kind: 'settings'; readonly device: number | 'all'; readonly values: Readonly<Record<string, string>> }
  /** A device has an IPv6 address more or less. */
  | { readonly kind: 'ipv6'; readonly gone: boolean; readonly device: number }
  /** Something in a table, or the table itself. */
  | { readonly kind: 'nftables'; readonly family: NftFamily; readonly table: string }
);

export type NftFamily = 'inet' | 'ip' | 'arp' | 'netdev' | 'bridge' | 'ip6';

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const RTM_NEWNETCONF = 80;
/** struct netconfmsg: family, padded. */
const NETCONF_BYTES = 4;
const AF_INET = 2;
const AF_INET6 = 10;
/** struct ifaddrmsg. */
const IFADDR_BYTES = 8;
const NETCONFA_IFINDEX = 1;
const NETCONFA_IFINDEX_ALL = 0xffff_ffff;
const NETCONFA_NAMES: Readonly<Record<number, string>> = { 2: 'forwarding', 3: 'rp_filter', 5: 'proxy_arp' };
const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_NEWGEN = 15;
/** struct nfgenmsg: family, version, id. */
const NFGEN_BYTES = 4;
/** NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, NFTA_SET_TABLE …: the same number in all. */
const NFTA_TABLE = 1;
const NFT_FAMILIES: Readonly<Record<number, NftFamily>> = { 1: 'inet', 2: 'ip', 3: 'arp', 5: 'netdev', 7: 'bridge', 10: 'ip6' };

/** What a datagram from a multicast group of this netlink protocol tells; what is none of ours is passed over. */
export function* decodeKernelEvents(protocol: number, datagram: Buffer): Generator<KernelEvent> {
  for (const message of decodeMessages(datagram)) {
    const event = protocol === NETLINK_ROUTE ? routeEvent(message) : nftablesEvent(message);
    if (event !== undefined) yield event;
  }
}

function routeEvent({ type, port, body }: NetlinkMessage): KernelEvent | undefined {
  switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const gone = type === RTM_DELLINK;
      const link = decodeLink(body);
      if (link === undefined) return undefined;
      // A port that leaves its bridge is told as a deleted link of the bridge's family; the device stays.
      return body[0] === AF_BRIDGE ? { kind: 'bridge-port', gone, index: link.index, port } : { kind: 'link', gone, link, port };
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      if (body[0] === AF_INET6) return ipv6Event(type === RTM_DELADDR, body, port);
      const address = decodeAddress(body);
      return address && { kind: 'address', gone: type === RTM_DELADDR, address, port };
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const route = decodeRoute(body);
      return route && { kind: 'route', gone: type === RTM_DELROUTE, route, port };
    }
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH: {
      const gone = type === RTM_DELNEIGH;
      const neighbour = decodeNeighbour(body);
      if (neighbour !== undefined) return { kind: 'neighbour', gone, neighbour, port };
      const entry = decodeFdbEntry(body);
      return entry && { kind: 'fdb', gone, entry, port };
    }
    case RTM_NEWNETCONF:
      return settingsEvent(body, port);
    default:
      return undefined;
  }
}

function ipv6Event(gone: boolean, body: Buffer, port: number): KernelEvent | undefined {
  return body.length < IFADDR_BYTES ? undefined : { kind: 'ipv6', gone, device: body.readUInt32LE(4), port };
}

function settingsEvent(body: Buffer, port: number): KernelEvent | undefined {
  if (body[0] !== AF_INET) return undefined;
  const attributes = decodeAttributes(body, NETCONF_BYTES);
  const index = numberIn(attributes, NETCONFA_IFINDEX);
  if (index === undefined) return undefined;
  const values = Object.entries(NETCONFA_NAMES).flatMap(([type, name]) => {
    const value = numberIn(attributes, Number(type));
    return value === undefined ? [] : [[name, String(value)] as const];
  });
  return { kind: 'settings', device: index === NETCONFA_IFINDEX_ALL ? 'all' : index, values: Object.fromEntries(values), port };
}

function nftablesEvent({ type, port, body }: NetlinkMessage): KernelEvent | undefined {
  // The end of a transaction has no table.
  if (type >> 8 !== NFNL_SUBSYS_NFTABLES || (type & 0xff) === NFT_MSG_NEWGEN || body.length < NFGEN_BYTES) return undefined;
  const family = NFT_FAMILIES[body.readUInt8(0)];
  return family && { kind: 'nftables', family, table: textIn(decodeAttributes(body, NFGEN_BYTES), NFTA_TABLE), port };
}
