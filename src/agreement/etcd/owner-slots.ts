/**
 * How a transaction whose answer was lost is recognised, and done at most once. Each client has a few keys in the
 * store, its slots. A transaction holds one slot while it runs; all its attempts require that the slot is unchanged
 * since `revision`, and write the transaction's token there. So at most one attempt can come about, whenever it
 * arrives; and one that finds its token there knows that an earlier one did. The keys are bounded (slots of members),
 * and cost no request of their own.
 */
export interface OwnerSlot {
  readonly number: number;
  /** At which the slot was last seen changed; 0: it never was. What is believed wrongly is corrected by the first attempt. */
  revision: number;
}

/** Transactions of one node under way at a time, and those that wait for a slot. */
const SLOTS = 16;
const WAITING = 1_024;

export class OwnerSlots {
  readonly #free: OwnerSlot[] = Array.from({ length: SLOTS }, (_, n) => ({ number: SLOTS - 1 - n, revision: 0 }));
  readonly #waiting: ((slot: OwnerSlot) => void)[] = [];

  /** undefined: too many wait already. */
  take(): Promise<OwnerSlot> | undefined {
    const slot = this.#free.pop();
    if (slot !== undefined) return Promise.resolve(slot);
    if (this.#waiting.length >= WAITING) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  giveBack(slot: OwnerSlot): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(slot);
    else next(slot);
  }
}
