/** What running pulls and mounts need: counted by digest (of blobs) and diff id (of layers). Garbage collection spares it. */
export class Pins {
  readonly #counts = new Map<string, number>();

  has(digest: string): boolean {
    return this.#counts.has(digest);
  }

  /** A set of pins that ends as a whole. */
  hold(): PinSet {
    return new PinSet(this.#counts);
  }
}

export class PinSet implements Disposable {
  readonly #counts: Map<string, number>;
  readonly #held = new Set<string>();

  constructor(counts: Map<string, number>) {
    this.#counts = counts;
  }

  add(digest: string): void {
    if (this.#held.has(digest)) return;
    this.#held.add(digest);
    this.#counts.set(digest, (this.#counts.get(digest) ?? 0) + 1);
  }

  [Symbol.dispose](): void {
    for (const digest of this.#held) {
      const left = (this.#counts.get(digest) ?? 1) - 1;
      if (left === 0) this.#counts.delete(digest);
      else this.#counts.set(digest, left);
    }
    this.#held.clear();
  }
}
