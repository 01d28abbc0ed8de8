import type { StoreAccess } from '../../agreement/port.ts';
import { put } from '../../agreement/state/deciding.ts';
import type { Copy } from '../../agreement/state/copy.ts';
import { KEYS } from '../../agreement/state/keys.ts';
import type { NodeChanges } from '../../agreement/state/port.ts';
import type { Sync } from '../../agreement/sync/sync.ts';
import type { NodeId } from '../../core/model/index.ts';
import type { Log } from '../log.ts';
import type { CaKey } from './ca-key.ts';
import type { Neighbours } from './neighbours.ts';
import type { Timers } from './timers.ts';

export interface CaretakerParts {
  readonly self: NodeId;
  readonly copy: Copy;
  readonly caKey: CaKey;
  readonly sync: Sync;
  readonly store: StoreAccess;
  readonly state: NodeChanges;
  readonly timers: Timers;
  readonly neighbours: Neighbours;
  readonly log: Log;
  isMember(): boolean;
}

const ROUND_MS = 30_000;
const SOON_MS = 2_000;

/**
 * Looks, now and then, after what may have broken off in its midst: says who has the CA's key, returns the leases of nodes
 * that are gone, and asks somebody whether this copy missed anything.
 */
export class Caretaker {
  readonly #parts: CaretakerParts;
  #cancel: (() => void) | undefined;
  #isBusy = false;

  constructor(parts: CaretakerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#schedule(SOON_MS);
  }

  /** Something changed that concerns it. */
  soon(): void {
    this.#schedule(SOON_MS);
  }

  #schedule(ms: number): void {
    this.#cancel?.();
    // Not all nodes at the same moment.
    this.#cancel = this.#parts.timers.after(ms * (0.75 + Math.random() / 2), () => void this.#round());
  }

  async #round(): Promise<void> {
    if (this.#isBusy) return this.#schedule(SOON_MS);
    this.#isBusy = true;
    try {
      await this.#askSomebody();
      await this.#tellWhoSigns();
      if (this.#parts.isMember()) await this.#returnLeases();
    } catch (error) {
      this.#parts.log('debug', 'what is agreed could not be looked after', { error: (error as Error).message });
    } finally {
      this.#isBusy = false;
      this.#schedule(ROUND_MS);
    }
  }

  async #askSomebody(): Promise<void> {
    const alive = this.#parts.neighbours.alive();
    const peer = alive[Math.floor(Math.random() * alive.length)];
    if (peer !== undefined) await this.#parts.sync.fetchFrom(peer);
  }

  async #tellWhoSigns(): Promise<void> {
    const { self, copy, caKey, store } = this.#parts;
    const isKnown = copy.views.caHolders.has(self);
    if (caKey.isHere === isKnown || copy.views.nodes.get(self)?.state !== 'in') return;
    const write = caKey.isHere ? put({ kind: 'ca-holder', node: self }) : { remove: KEYS.caHolder(self) };
    await store.transact({ when: [{ key: KEYS.nodeIn(self), is: 'present' }], then: [write] });
  }

  async #returnLeases(): Promise<void> {
    const { copy, state } = this.#parts;
    for (const node of new Set(copy.views.leasesOfGone().map((lease) => lease.node))) await state.returnLeases(node);
  }
}
