import { assert } from '../lib/assert.ts';
import { Heap } from '../lib/heap.ts';

interface Entry {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
}

/** Virtual time: what is to happen, in order of (time, order of scheduling). Nothing else moves the clock. */
export class Schedule {
  readonly #heap = new Heap<Entry>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence));
  #nowMs = 0;
  #sequence = 0;
  #second = 0;
  #stepsInSecond = 0;
  readonly #maxStepsPerSecond: number;

  /** @param maxStepsPerSecond of virtual time: beyond, something feeds itself without end */
  constructor(maxStepsPerSecond: number) {
    this.#maxStepsPerSecond = maxStepsPerSecond;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Things done so far. */
  get steps(): number {
    return this.#sequence - this.#heap.size;
  }

  after(delayMs: number, run: () => void): void {
    this.#heap.push({ atMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, run });
  }

  at(atMs: number, run: () => void): void {
    this.after(atMs - this.#nowMs, run);
  }

  /** Does everything due up to `untilMs` (or until `stop` says so after a step), then stands there. */
  runUntil(untilMs: number, stop: () => boolean = () => false): void {
    for (let next = this.#heap.peek(); next !== undefined && next.atMs <= untilMs; next = this.#heap.peek()) {
      this.#heap.pop();
      this.#nowMs = next.atMs;
      this.#countStep();
      next.run();
      if (stop()) return;
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #countStep(): void {
    const second = Math.floor(this.#nowMs / 1_000);
    if (second !== this.#second) this.#stepsInSecond = 0;
    this.#second = second;
    this.#stepsInSecond++;
    assert(
      this.#stepsInSecond <= this.#maxStepsPerSecond,
      `more than ${this.#maxStepsPerSecond} steps in virtual second ${second}: a runaway`,
    );
  }
}
