import type { Copy } from '../../agreement/state/copy.ts';
import type { NodeChanges } from '../../agreement/state/port.ts';
import type { Sync } from '../../agreement/sync/sync.ts';
import type { Log } from '../log.ts';
import type { KeyKeepers } from './key-keepers.ts';
import type { KeyRotation } from './key-rotation.ts';
import type { LostNodes } from './lost-nodes.ts';
import type { Neighbours } from './neighbours.ts';
import type { Timers } from './timers.ts';

export interface CaretakerParts {
  readonly copy: Copy;
  readonly keys: KeyKeepers;
  readonly lost: LostNodes;
  readonly rotation: Pick<KeyRotation, 'round' | 'isUnderWay'>;
  readonly sync: Sync;
  readonly state: NodeChanges;
  readonly timers: Timers;
  readonly neighbours: Neighbours;
  readonly log: Log;
  /** Whether it serves; and whether it is one, or will be again when it does. */
  isServing(): boolean;
  isMember(): boolean;
}

const ROUND_MS = 30_000;
const SOON_MS = 2_000;

/**
 * Looks, now and then, after what may have broken off in its midst: sees that enough nodes have the CA's key, returns
 * the leases and volumes of nodes that are gone or lost, changes the gossip key where that is due, and asks somebody whether this copy missed anything.
 */
export class Caretaker {
  readonly #parts: CaretakerParts;
  #cancel: (() => void) | undefined;
  #isBusy = false;
  #isSoon = false;

  constructor(parts: CaretakerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#schedule(SOON_MS);
  }

  /** Something changed that concerns it. */
  soon(): void {
    if (!this.#isSoon) this.#schedule(SOON_MS);
  }

  #schedule(ms: number): void {
    this.#cancel?.();
    this.#isSoon = ms === SOON_MS;
    // Not all nodes at the same moment.
    this.#cancel = this.#parts.timers.after(ms * (0.75 + Math.random() / 2), () => void this.#round());
  }

  async #round(): Promise<void> {
    // What came while a round was under way may have come too late for it.
    if (this.#isBusy) return;
    this.#isSoon = false;
    this.#isBusy = true;
    let isMore = false;
    try {
      await this.#askSomebody();
      isMore = await this.#parts.keys.round();
      if (this.#parts.isServing()) {
        await this.#returnHoldings();
        await this.#parts.lost.round();
        await this.#parts.rotation.round();
        isMore ||= this.#parts.rotation.isUnderWay;
      } else if (!this.#parts.isMember()) this.#parts.lost.forget();
    } catch (error) {
      this.#parts.log('debug', 'what is agreed could not be looked after', { error: (error as Error).message });
    } finally {
      this.#isBusy = false;
      this.#schedule(isMore || this.#isSoon ? SOON_MS : ROUND_MS);
    }
  }

  async #askSomebody(): Promise<void> {
    const alive = this.#parts.neighbours.alive();
    const peer = alive[Math.floor(Math.random() * alive.length)];
    if (peer !== undefined) await this.#parts.sync.fetchFrom(peer);
  }

  async #returnHoldings(): Promise<void> {
    const { copy, state } = this.#parts;
    for (const node of copy.views.holdersGone()) await state.returnHoldings(node);
  }
}
