/** Splits a stretch of work into stages: milliseconds by name, to a tenth. */
export class Stopwatch {
  readonly laps: Record<string, number> = {};
  #last = performance.now();

  /** The stage that ends now. */
  lap(name: string): void {
    const now = performance.now();
    this.laps[name] = Math.round((now - this.#last) * 10) / 10;
    this.#last = now;
  }
}
