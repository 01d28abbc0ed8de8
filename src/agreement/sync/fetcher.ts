import { type AgreedVersion, newerVersion, type NodeId, shortId } from '../../core/model/index.ts';
import { pack } from './pack.ts';
import { FETCH_PATH, SYNC_LIMITS, type SyncHost } from './port.ts';
import { unpackUpdate } from './update-codec.ts';

/** Whoever hears of a newer version at the same moment should not ask for it at the same moment. */
const JITTER_MS = 150;
/** Where the whole instance hears of it: per node. */
const JITTER_PER_PEER_MS = 2;
const LONGEST_JITTER_MS = 2_000;
const TIMEOUT_MS = 5_000;
const AGAIN_MS = [250, 500, 1_000, 2_000, 5_000];

/** Gets what this copy lacks from a peer that is said to have it. */
export class Fetcher {
  readonly #host: SyncHost;
  /** Who has something newer, and how new. */
  readonly #sources = new Map<NodeId, AgreedVersion>();
  #cancel: (() => void) | undefined;
  #isFetching = false;
  #failures = 0;
  #isClosed = false;

  constructor(host: SyncHost) {
    this.#host = host;
  }

  /** That peer has this version. */
  see(peer: NodeId, version: AgreedVersion): void {
    if (!newerVersion(version, this.#host.copy.version) || peer === this.#host.self) return;
    if (this.#sources.size >= SYNC_LIMITS.sources && !this.#sources.has(peer)) return;
    this.#sources.set(peer, version);
    const jitterMs = Math.min(LONGEST_JITTER_MS, JITTER_MS + JITTER_PER_PEER_MS * this.#host.peers().length);
    this.#schedule(this.#host.random() * jitterMs);
  }

  /** Asks one peer now, whatever it has. Resolves to whether it answered. */
  async ask(peer: NodeId): Promise<boolean> {
    const { copy } = this.#host;
    try {
      const { status, body } = await this.#host.ask(peer, FETCH_PATH, await pack(copy.version), TIMEOUT_MS);
      if (status === 204) return true;
      if (status !== 200) throw new Error(`it answered with status ${status}`);
      const update = await unpackUpdate(body);
      // Meanwhile somebody else may have been faster.
      if (copy.apply(update) === 'gap') throw new Error('its answer does not build on what was said to be here');
      return true;
    } catch (error) {
      this.#host.log('debug', 'what is agreed could not be fetched', { from: shortId(peer), error: (error as Error).message });
      return false;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  #schedule(afterMs: number): void {
    if (this.#isClosed || this.#isFetching || this.#cancel !== undefined) return;
    this.#cancel = this.#host.after(afterMs, () => {
      this.#cancel = undefined;
      void this.#fetch();
    });
  }

  async #fetch(): Promise<void> {
    this.#isFetching = true;
    try {
      this.#forgetWhatIsHere();
      for (const [peer] of [...this.#sources].toSorted((a, b) => (newerVersion(a[1], b[1]) ? -1 : 1))) {
        const answered = await this.ask(peer);
        // Its version was heard of, and is not to be had from it now.
        if (answered && newerVersion(this.#sources.get(peer) ?? this.#host.copy.version, this.#host.copy.version))
          this.#sources.delete(peer);
        this.#failures = answered ? 0 : this.#failures + 1;
        this.#forgetWhatIsHere();
        if (this.#sources.size === 0 || this.#isClosed) break;
      }
    } finally {
      this.#isFetching = false;
    }
    const alive = new Set(this.#host.peers());
    for (const peer of this.#sources.keys()) if (!alive.has(peer)) this.#sources.delete(peer);
    if (this.#sources.size > 0) this.#schedule(AGAIN_MS[Math.min(this.#failures, AGAIN_MS.length - 1)] ?? 0);
  }

  #forgetWhatIsHere(): void {
    for (const [peer, version] of this.#sources) if (!newerVersion(version, this.#host.copy.version)) this.#sources.delete(peer);
  }
}
