/**
 * How every node's copy follows what is agreed (DESIGN §9b). A member watches its own store. After each step it
 * pushes the difference to the nodes that are no members: to all in a small instance, in a large one to its
 * share, by rendezvous hashing among the members (Thaler and Ravishankar 1998). Whoever missed a push hears of
 * the newer version by gossip, or from the next push, and asks whoever has it for the difference. Who changes
 * leases pushes them to the nodes on that network itself, and waits a moment for them to have it.
 *
 * A difference is good for any copy between its two versions, so it does not matter who sends it, or how often.
 */
import { type AgreedVersion, newerVersion, type NetworkId, type NodeId } from '../../core/model/index.ts';
import { hash32 } from '../../lib/hash.ts';
import type { StoreAccess } from '../port.ts';
import type { Follow } from '../state/deciding.ts';
import { PREFIX } from '../state/keys.ts';
import { Fetcher } from './fetcher.ts';
import { checkVersion } from './messages.ts';
import { pack, unpack } from './pack.ts';
import { type Asked, FETCH_PATH, PUSH_PATH, SYNC_LIMITS, type SyncHost } from './port.ts';
import { Pusher } from './pusher.ts';
import { packUpdate, unpackUpdate } from './update-codec.ts';

/** For the nodes on a network to hear of a lease before a first container's start goes on (DESIGN §9). */
const ANNOUNCE_MS = 200;
/** For this member's watch to bring what was just agreed; then it is read. */
const WATCH_MS = 300;
/** After a start: whom to ask what came meanwhile. */
const ASKED_AT_START = 2;
/** Asked at a time, where all are. */
const FETCHES = 8;
const VERSION_BYTES = 4_096;

export class Sync implements Follow {
  readonly #host: SyncHost;
  readonly #store: StoreAccess;
  readonly #fetcher: Fetcher;
  readonly #pusher: Pusher;
  readonly #stopListening: () => void;
  #version: AgreedVersion;
  #toAskAtStart = ASKED_AT_START;

  constructor(host: SyncHost, store: StoreAccess) {
    this.#host = host;
    this.#store = store;
    this.#fetcher = new Fetcher(host);
    this.#pusher = new Pusher(host, this.#fetcher);
    this.#version = host.copy.version;
    this.#stopListening = host.copy.onChange(() => this.#stepped());
  }

  /** That peer's gossip carries this version. */
  newer(peer: NodeId, version: AgreedVersion): void {
    this.#fetcher.see(peer, version);
  }

  /** A peer is alive that was not before: after a start the first are asked, not all. */
  alive(peer: NodeId): void {
    if (this.#toAskAtStart === 0) return;
    this.#toAskAtStart -= 1;
    void this.#fetcher.ask(peer);
  }

  /** Asks this peer now for what is newer. Resolves to whether it answered. */
  fetchFrom(peer: NodeId): Promise<boolean> {
    return this.#fetcher.ask(peer);
  }

  /** Whether every node that is alive has taken in all that is here now; false also where they are too many to be told by one. */
  async reachAll(): Promise<boolean> {
    const peers = this.#host.peers();
    if (peers.length > SYNC_LIMITS.pushToAll) return false;
    return (await Promise.all(peers.map((peer) => this.#pusher.push(peer)))).every(Boolean);
  }

  /** Asks everybody who is alive: afterwards this copy is the newest of theirs. */
  async fetchFromAll(): Promise<void> {
    const peers = [...this.#host.peers()];
    const work = async (): Promise<void> => {
      for (let peer = peers.pop(); peer !== undefined; peer = peers.pop()) await this.#fetcher.ask(peer);
    };
    await Promise.all(Array.from({ length: FETCHES }, work));
  }

  async reach(version: AgreedVersion): Promise<void> {
    const { copy } = this.#host;
    if (!newerVersion(version, copy.version)) return;
    if (await this.#waitFor(() => !newerVersion(version, copy.version), WATCH_MS)) return;
    const { value, version: read } = await this.#store.range(PREFIX);
    copy.apply({ from: undefined, version: read, entries: value, removed: [] });
  }

  async announce(network: NetworkId): Promise<void> {
    const { copy, self } = this.#host;
    const alive = new Set(this.#host.peers());
    const onIt = new Set(copy.views.leases(network).map((lease) => lease.node));
    const pushes = [...onIt].filter((node) => node !== self && alive.has(node)).map((node) => this.#pusher.push(node));
    if (pushes.length > 0) await this.#atMost(Promise.all(pushes), ANNOUNCE_MS);
  }

  /** Answers a peer's request under SYNC_PATH. Never rejects. */
  async serve(from: NodeId, path: string, body: Buffer): Promise<Asked> {
    const { copy } = this.#host;
    try {
      if (path === PUSH_PATH) {
        copy.apply(await unpackUpdate(body));
        return { status: 200, body: await pack(copy.version) };
      }
      if (path === FETCH_PATH) {
        const have = checkVersion(await unpack(body, VERSION_BYTES));
        // Who asks may well be ahead.
        this.#fetcher.see(from, have);
        const update = copy.difference(have);
        return update === undefined ? { status: 204, body: Buffer.alloc(0) } : { status: 200, body: await packUpdate(update) };
      }
      return { status: 404, body: Buffer.alloc(0) };
    } catch (error) {
      this.#host.log('warn', 'a peer sent what makes no sense of what is agreed', {
        peer: from.slice(0, 12),
        error: (error as Error).message,
      });
      return { status: 400, body: Buffer.alloc(0) };
    }
  }

  /** Resolves to whether it came to be within the time. */
  #waitFor(isSo: () => boolean, ms: number): Promise<boolean> {
    if (isSo()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (came: boolean): void => {
        cancel();
        forget();
        resolve(came);
      };
      const cancel = this.#host.after(ms, () => end(false));
      const forget = this.#host.copy.onChange(() => {
        if (isSo()) end(true);
      });
    });
  }

  /** What the copy needs to be at least: what it is told in time, it has. */
  waitUntil(version: AgreedVersion, ms: number): Promise<boolean> {
    return this.#waitFor(() => !newerVersion(version, this.#host.copy.version), ms);
  }

  close(): void {
    this.#stopListening();
    this.#fetcher.close();
    this.#pusher.close();
  }

  #stepped(): void {
    const before = this.#version;
    this.#version = this.#host.copy.version;
    this.#pusher.stepped(before);
    for (const peer of this.#share()) void this.#pusher.push(peer);
  }

  /** Whom this node pushes to: nobody, unless it is a member. */
  #share(): readonly NodeId[] {
    const { self } = this.#host;
    const members = this.#host.members();
    if (!members.includes(self)) return [];
    const peers = this.#host.peers();
    const others = peers.filter((peer) => !members.includes(peer));
    if (peers.length < SYNC_LIMITS.pushToAll) return others;
    const alive = members.filter((member) => member === self || peers.includes(member));
    return others.filter((peer) => ownerOf(peer, alive) === self);
  }

  async #atMost(work: Promise<unknown>, ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#host.after(ms, resolve);
      void work.finally(() => {
        cancel();
        resolve();
      });
    });
  }
}

/** Of several members the one whose hash with the peer is highest. */
function ownerOf(peer: NodeId, members: readonly NodeId[]): NodeId | undefined {
  return members.toSorted((a, b) => hash32(`${b} ${peer}`) - hash32(`${a} ${peer}`) || (a < b ? -1 : 1))[0];
}
