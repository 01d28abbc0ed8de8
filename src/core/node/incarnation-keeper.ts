import type { OrderAnswer, OrderId, Timer, Turn } from '../model/index.ts';

/** Between two tries to store an incarnation, in ms: doubled from the first to the last. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;

/**
 * Makes this node's newest incarnation durable, and tries again where the disk would not: a later life
 * under one that peers have seen already, at another address, would be dead to all of them.
 */
export class IncarnationKeeper {
  readonly #nextOrderId: () => OrderId;
  #incarnation = 0;
  #order: OrderId | undefined;
  #retryMs = FIRST_RETRY_MS;
  #token = 0;

  constructor(nextOrderId: () => OrderId) {
    this.#nextOrderId = nextOrderId;
  }

  keep(turn: Turn, incarnation: number): void {
    this.#incarnation = incarnation;
    this.#token++;
    this.#store(turn);
  }

  /** Answers to other orders, and to those that a newer one replaced, are passed over. */
  answer(turn: Turn, id: OrderId, answer: OrderAnswer): void {
    if (id !== this.#order) return;
    this.#order = undefined;
    if (answer.ok) {
      this.#retryMs = FIRST_RETRY_MS;
      return;
    }
    turn.setTimer({ machine: 'node', name: 'store-incarnation', key: '', token: ++this.#token }, this.#retryMs);
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2);
  }

  timer(turn: Turn, timer: Timer): void {
    if (timer.token === this.#token) this.#store(turn);
  }

  #store(turn: Turn): void {
    this.#order = this.#nextOrderId();
    turn.perform({ id: this.#order, kind: 'store-incarnation', incarnation: this.#incarnation });
  }
}
