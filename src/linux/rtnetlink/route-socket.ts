import { inNetns } from '../netns.ts';
import { NETLINK_ROUTE, NetlinkSocket } from '../netlink-socket.ts';
import { type NetlinkRequest, numberAttribute } from '../netlink.ts';
import { hasCode, type SystemError } from '../system-error.ts';
import { type Address, decodeAddress, RTM_GETADDR } from './addresses.ts';
import { decodeLink, type Link } from './link.ts';
import { deleteLink, deleteLinkGroup, RTM_GETLINK, setLinkGroup } from './links.ts';
import { AF_BRIDGE, decodeFdbEntry, decodeNeighbour, type FdbEntry, type Neighbour, neighbourHeader, RTM_GETNEIGH } from './neighbours.ts';
import { decodeRoute, type Route, RTA_TABLE, RTM_GETROUTE } from './routes.ts';

const AF_INET = 2;
const IFLA_EXT_MASK = 29;
const RTEXT_FILTER_SKIP_STATS = 8;
/**
 * A deletion alone takes the kernel 20 to 60 ms, nearly all of it waiting; more of them in one go wait together, save
 * bridges, at 15 ms each. All the while it holds its lock on devices: as many as it may hold it for.
 */
const LINKS_PER_DELETION = 8;

/**
 * What is to be said to route netlink in one network namespace: the one in which the socket was opened, for as long
 * as it is open. Changes go out many at a time, and are done, or refused, when the call returns; changes that take
 * the kernel long go through a second socket on another thread.
 */
export class RouteSocket {
  readonly #socket: NetlinkSocket;
  readonly #slow: NetlinkSocket;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor() {
    this.#socket = new NetlinkSocket(NETLINK_ROUTE);
    try {
      this.#slow = new NetlinkSocket(NETLINK_ROUTE);
    } catch (error) {
      this.#socket.close();
      throw error;
    }
  }

  /** In the calling thread's network namespace. @throws SystemError */
  static open(): RouteSocket {
    return new RouteSocket();
  }

  /** In the network namespace at `path`. @throws SystemError */
  static openIn(path: string): RouteSocket {
    return inNetns(path, () => new RouteSocket());
  }

  /** Netlink ports of its sockets: which changes that are told were its own. */
  get ports(): readonly number[] {
    return [this.#socket.port, this.#slow.port];
  }

  /** One answer per request, in their order: undefined where it was done. Each is tried, whatever became of those before. @throws SystemError of the socket itself */
  batch(requests: readonly NetlinkRequest[]): (SystemError | undefined)[] {
    return this.#socket.request(requests);
  }

  /** As `batch`, and throws the first refusal, after all were tried. @throws SystemError */
  must(requests: readonly NetlinkRequest[]): void {
    for (const error of this.batch(requests)) if (error !== undefined) throw error;
  }

  /** As `batch`, off the event loop; calls are worked off one after the other, apart from those of `batch`. */
  background(requests: readonly NetlinkRequest[]): Promise<(SystemError | undefined)[]> {
    const done = this.#queue.then(() => this.#slow.requestAsync(requests));
    this.#queue = done.catch(() => undefined);
    return done;
  }

  /**
   * Deletes devices off the event loop, some at a time. Those that are not there are none's fault; of a veth pair both
   * ends go. Meanwhile a call that needs the kernel's lock on devices, as `links` does, waits for some of them. @throws SystemError
   */
  async deleteLinks(indices: readonly number[]): Promise<void> {
    const [only] = indices;
    if (only === undefined) return;
    if (indices.length === 1) return mustOrAbsent(await this.background([deleteLink(only)]));
    const group = this.#freeGroup();
    for (let from = 0; from < indices.length; from += LINKS_PER_DELETION) {
      const some = indices.slice(from, from + LINKS_PER_DELETION);
      mustOrAbsent(await this.background(some.map((index) => setLinkGroup(index, group))));
      mustOrAbsent(await this.background([deleteLinkGroup(group)]));
    }
  }

  links(): Link[] {
    const body = Buffer.concat([Buffer.alloc(16), numberAttribute(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)]);
    return this.#dump('list links', RTM_GETLINK, body, decodeLink);
  }

  /** IPv4. */
  addresses(): Address[] {
    return this.#dump('list addresses', RTM_GETADDR, Buffer.from([AF_INET, 0, 0, 0, 0, 0, 0, 0]), decodeAddress);
  }

  /** IPv4, of one table (the main one is 254) or all. */
  routes(table = 0): Route[] {
    const header = Buffer.alloc(12);
    header[0] = AF_INET;
    const body = table === 0 ? header : Buffer.concat([header, numberAttribute(RTA_TABLE, table)]);
    try {
      return this.#dump('list routes', RTM_GETROUTE, body, decodeRoute);
    } catch (error) {
      // A table that never had a route.
      if (hasCode(error, 'ENOENT')) return [];
      throw error;
    }
  }

  /** IPv4, of all devices. */
  neighbours(): Neighbour[] {
    return this.#dump('list neighbours', RTM_GETNEIGH, neighbourHeader(AF_INET, 0, 0, 0), decodeNeighbour);
  }

  /** Of one device, a VXLAN one or a bridge's port, or all. */
  fdb(index = 0): FdbEntry[] {
    return this.#dump('list FDB entries', RTM_GETNEIGH, neighbourHeader(AF_BRIDGE, index, 0, 0), decodeFdbEntry);
  }

  /** What is under way in the background is still done. */
  close(): void {
    this.#socket.close();
    void this.#queue.then(() => this.#slow.close());
  }

  #dump<T>(what: string, type: number, body: Buffer, decode: (body: Buffer) => T | undefined): T[] {
    return this.#socket.dump({ what, type, flags: 0, body }, (message) => decode(message.body));
  }

  /** A number for a group that no device is in. */
  #freeGroup(): number {
    const taken = new Set(this.links().map((link) => link.group));
    // Far from 0, the kernel's default, and from small numbers, which people use.
    let group = 0x0ca7_0000 + (process.pid & 0xffff);
    while (taken.has(group)) group += 1;
    return group;
  }
}

function mustOrAbsent(answers: readonly (SystemError | undefined)[]): void {
  for (const error of answers) if (error !== undefined && error.code !== 'ENODEV') throw error;
}
