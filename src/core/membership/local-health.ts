/**
 * Lifeguard's local health multiplier (Dadgar 2018, §IV.A): a node that misses acks and nacks, or has to refute
 * suspicions of itself, is probably slow itself; it then probes more slowly and waits longer before it accuses others.
 */
export class LocalHealth {
  readonly #max: number;
  #score = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** 0: healthy. */
  get score(): number {
    return this.#score;
  }

  /** Worse by `delta`, or better where it is negative. */
  worsen(delta: number): void {
    this.#score = Math.min(this.#max, Math.max(0, this.#score + delta));
  }

  scale(ms: number): number {
    return ms * (this.#score + 1);
  }
}
