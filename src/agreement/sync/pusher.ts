import { type AgreedVersion, newerVersion, NO_VERSION, type NodeId } from '../../core/model/index.ts';
import type { Fetcher } from './fetcher.ts';
import { checkVersion } from './messages.ts';
import { unpack } from './pack.ts';
import { PUSH_PATH, SYNC_LIMITS, type SyncHost } from './port.ts';
import { packUpdate } from './update-codec.ts';

const TIMEOUT_MS = 3_000;
const VERSION_BYTES = 4_096;
/** A peer answers with its version where what was sent does not fit; the next try does. */
const TRIES = 3;

interface Peer {
  /** What it said it has; undefined: it was never asked, or did not answer last time. */
  has: AgreedVersion | undefined;
  /** The push under way; whoever wants another one waits for it first. */
  busy: Promise<boolean> | undefined;
  next: Promise<boolean> | undefined;
}

/** Sends peers what is new here: one push to each at a time, with all that came meanwhile in the next. */
export class Pusher {
  readonly #host: SyncHost;
  readonly #fetcher: Fetcher;
  readonly #peers = new Map<NodeId, Peer>();
  /** The version before the newest step: what a peer that was never asked most likely has. */
  #guess: AgreedVersion = NO_VERSION;
  #underWay = 0;
  #isClosed = false;

  constructor(host: SyncHost, fetcher: Fetcher) {
    this.#host = host;
    this.#fetcher = fetcher;
  }

  /** The copy went from this version to a newer one. */
  stepped(before: AgreedVersion): void {
    this.#guess = before;
    const alive = new Set(this.#host.peers());
    for (const id of this.#peers.keys()) if (!alive.has(id)) this.#peers.delete(id);
  }

  /** Resolves to whether the peer has all that is here now. */
  push(to: NodeId): Promise<boolean> {
    const peer = this.#peers.get(to) ?? { has: undefined, busy: undefined, next: undefined };
    this.#peers.set(to, peer);
    if (peer.busy === undefined) {
      peer.busy = this.#run(to, peer).finally(() => {
        peer.busy = undefined;
      });
      return peer.busy;
    }
    peer.next ??= peer.busy.then(() => {
      peer.next = undefined;
      return this.push(to);
    });
    return peer.next;
  }

  close(): void {
    this.#isClosed = true;
  }

  async #run(to: NodeId, peer: Peer): Promise<boolean> {
    // Beyond the bound it hears of the version by gossip, and asks.
    if (this.#isClosed || this.#underWay >= SYNC_LIMITS.pushes) return false;
    this.#underWay += 1;
    try {
      for (let tries = 0; tries < TRIES; tries++) {
        const { copy } = this.#host;
        const update = copy.difference(peer.has ?? this.#guess);
        if (update === undefined) return true;
        const { status, body } = await this.#host.ask(to, PUSH_PATH, await packUpdate(update), TIMEOUT_MS);
        if (status !== 200) throw new Error(`it answered with status ${status}`);
        peer.has = checkVersion(await unpack(body, VERSION_BYTES));
        this.#fetcher.see(to, peer.has);
        if (!newerVersion(copy.version, peer.has)) return true;
      }
      return false;
    } catch (error) {
      peer.has = undefined;
      this.#host.log('debug', 'what is agreed could not be pushed', { to: to.slice(0, 12), error: (error as Error).message });
      return false;
    } finally {
      this.#underWay -= 1;
    }
  }
}
