import type { Sample } from './trial-result.ts';

/** At most this many samples are kept, and at least half as many of a long trial. */
const MOST_SAMPLES = 128;

/** Samples over virtual time, evenly apart: when there are too many, every other one goes and the step doubles. */
export class Series {
  readonly #startMs: number;
  #samples: Sample[] = [];
  #stepMs = 100;
  #next = 0;

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** Keeps what `take` says if a step has passed since the last one. */
  add(nowMs: number, take: () => Omit<Sample, 'atSeconds'>): void {
    const step = Math.floor((nowMs - this.#startMs) / this.#stepMs);
    if (step < this.#next) return;
    this.#samples.push({ atSeconds: (step * this.#stepMs) / 1_000, ...take() });
    this.#next = step + 1;
    if (this.#samples.length <= MOST_SAMPLES) return;
    this.#stepMs *= 2;
    this.#samples = this.#samples.filter(({ atSeconds }) => Math.round(atSeconds * 1_000) % this.#stepMs === 0);
    this.#next = Math.floor(step / 2) + 1;
  }
}
