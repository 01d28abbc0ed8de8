/** How long one piece of news takes to reach those who were there when it came up. */
export class Spread {
  readonly fromMs: number;
  readonly #waiting: Uint8Array;
  #expected: number;
  #known = 0;
  #allMs: number | undefined;
  /** One for each node that knows, ms. */
  readonly delaysMs: number[] = [];

  /** @param present by node index: who is to hear it */
  constructor(fromMs: number, present: readonly boolean[]) {
    this.fromMs = fromMs;
    this.#waiting = Uint8Array.from(present, Number);
    this.#expected = this.#waiting.reduce((sum, one) => sum + one, 0);
  }

  /** All who were to hear it, and are still there, have. */
  get isComplete(): boolean {
    return this.#known >= this.#expected;
  }

  /** When the last of them did, ms after it came up; undefined until then. */
  get allMs(): number | undefined {
    return this.isComplete ? this.#allMs : undefined;
  }

  heard(node: number, nowMs: number): void {
    if (this.#waiting[node] !== 1) return;
    this.#waiting[node] = 0;
    this.#known++;
    this.delaysMs.push(nowMs - this.fromMs);
    this.#allMs = nowMs - this.fromMs;
  }

  /** A node that died needs not know any more. */
  gone(node: number): void {
    if (this.#waiting[node] !== 1) return;
    this.#waiting[node] = 0;
    this.#expected--;
  }
}

/** The value below which a share of them is; NaN of none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
