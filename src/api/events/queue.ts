/** A bounded queue between one who must not wait and one who reads slowly. */
export class BoundedQueue<T> implements AsyncIterable<T> {
  readonly #limit: number;
  #waiting: T[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns false where it is full: the reader is then cut off. */
  push(value: T): boolean {
    if (this.#ended) return true;
    if (this.#waiting.length >= this.#limit) {
      this.end();
      return false;
    }
    this.#waiting.push(value);
    this.#wake?.();
    return true;
  }

  /** What is queued is still read. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** For one reader. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const batch = this.#waiting;
      this.#waiting = [];
      yield* batch;
      if (this.#waiting.length > 0) continue;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}
