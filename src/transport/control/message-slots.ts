/**
 * The messages that go to one peer at a time, and those that wait for their turn, first come first
 * served. A burst of launches waits some milliseconds here; dropping what is beyond the streams of a
 * session, as the network may, would cost each of them the core's repetition after seconds.
 */
export class MessageSlots {
  readonly #atOnce: number;
  readonly #maxWaiting: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number, maxWaiting: number) {
    this.#atOnce = atOnce;
    this.#maxWaiting = maxWaiting;
  }

  /** Under way and waiting. */
  get size(): number {
    return this.#taken + this.#waiting.length;
  }

  get full(): boolean {
    return this.#waiting.length >= this.#maxWaiting;
  }

  /** Resolves when the caller's turn has come; it then has to `leave`. */
  async enter(): Promise<void> {
    if (this.#taken >= this.#atOnce) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#taken++;
  }

  /** Hands the place to who waits longest. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken--;
    else next();
  }
}
