import { LIMITS } from '../model/index.ts';
import type { Need, NodeId, RequestId, Seen } from '../model/index.ts';
import { SUPPLIER } from './tunables.ts';

/** Resources set aside for one attempt, until launch or expiry. */
export interface Hold {
  readonly need: Need;
  /** Who sent the reserve: a trader, or the buyer itself. */
  readonly via: NodeId;
  /** Of its expiry timer: renewing sets a new one. */
  readonly token: number;
  /** A launch, a renewal or a repetition makes a further repetition of the accept pointless. */
  readonly repeatDue: boolean;
  /** For the buyer, with each accept. */
  readonly trail: readonly Seen[];
  /** Parts of a group that have become containers: what the ledger has under the hold is the others'. */
  readonly launched: ReadonlySet<RequestId>;
}

/** The holds of one supplier, bounded per buyer, per trader and in all. */
export class Holds {
  readonly #holds = new Map<RequestId, Hold>();
  readonly #perBuyer = new Map<NodeId, number>();
  readonly #perTrader = new Map<NodeId, number>();
  readonly #spent = new Map<RequestId, number>();

  get size(): number {
    return this.#holds.size;
  }

  /** Requests whose attempts that are over are remembered. */
  get spentSize(): number {
    return this.#spent.size;
  }

  get(id: RequestId): Hold | undefined {
    return this.#holds.get(id);
  }

  all(): Iterable<Hold> {
    return this.#holds.values();
  }

  /** Words for the bound that a further hold for `buyer`, sent by `via`, would break. */
  full(buyer: NodeId, via: NodeId): string | undefined {
    if (this.#holds.size >= LIMITS.holds) return `keeps ${LIMITS.holds} holds already, the most it may`;
    if ((this.#perBuyer.get(buyer) ?? 0) >= LIMITS.holdsPerBuyer) return `keeps ${LIMITS.holdsPerBuyer} holds for this buyer already`;
    if ((this.#perTrader.get(via) ?? 0) >= LIMITS.holdsPerTrader)
      return `keeps ${LIMITS.holdsPerTrader} holds that this trader sent already`;
    return undefined;
  }

  /**
   * Attempts up to this one are over: a reserve for one of them that comes late, or twice, must not
   * revive it, because a launch of it that was refused may still be on its way, too.
   */
  spend(id: RequestId, attempt: number): void {
    const before = this.#spent.get(id) ?? 0;
    this.#spent.delete(id);
    this.#spent.set(id, Math.max(before, attempt));
    const oldest = this.#spent.keys().next();
    if (this.#spent.size > SUPPLIER.spentAttempts && oldest.done !== true) this.#spent.delete(oldest.value);
  }

  isSpent(id: RequestId, attempt: number): boolean {
    return attempt <= (this.#spent.get(id) ?? 0);
  }

  set(hold: Hold): void {
    this.delete(hold.need.requestId);
    this.#holds.set(hold.need.requestId, hold);
    count(this.#perBuyer, hold.need.buyer, 1);
    count(this.#perTrader, hold.via, 1);
  }

  delete(id: RequestId): void {
    const hold = this.#holds.get(id);
    if (hold === undefined) return;
    this.#holds.delete(id);
    count(this.#perBuyer, hold.need.buyer, -1);
    count(this.#perTrader, hold.via, -1);
  }
}

function count(counts: Map<NodeId, number>, id: NodeId, by: 1 | -1): void {
  const now = (counts.get(id) ?? 0) + by;
  if (now > 0) counts.set(id, now);
  else counts.delete(id);
}
