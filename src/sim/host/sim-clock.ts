import type { Schedule } from '../schedule.ts';

/** Virtual time 0 as a wall clock shows it: 2026-01-02. */
const EPOCH_MS = 1_767_312_000_000;

/** One host's idea of the time: its monotonic clock runs at a rate of its own, its wall clock also jumps. */
export class SimClock {
  readonly #schedule: Schedule;
  #rate: number;
  #skewMs: number;
  /** What the monotonic clock showed at `#sinceMs` of virtual time, when its rate last changed. */
  #baseMs = 0;
  #sinceMs = 0;

  /** @param rate 1.001: gains a millisecond a second */
  constructor(schedule: Schedule, rate: number, skewMs: number) {
    this.#schedule = schedule;
    this.#rate = rate;
    this.#skewMs = skewMs;
  }

  get rate(): number {
    return this.#rate;
  }

  /** From now on; timers that are set already come as they were set. */
  set rate(rate: number) {
    this.#baseMs = this.nowMs();
    this.#sinceMs = this.#schedule.nowMs;
    this.#rate = rate;
  }

  nowMs(): number {
    return this.#baseMs + (this.#schedule.nowMs - this.#sinceMs) * this.#rate;
  }

  wallMs(): number {
    return Math.round(EPOCH_MS + this.nowMs() + this.#skewMs);
  }

  jump(byMs: number): void {
    this.#skewMs += byMs;
  }

  /** Virtual ms in which this clock advances by `localMs`. */
  virtualMs(localMs: number): number {
    return localMs / this.#rate;
  }
}
