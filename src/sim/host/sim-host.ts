import type { Observation, Order, OrderAnswer } from '../../core/model/index.ts';
import type { Prng } from '../../lib/prng.ts';
import type { Schedule } from '../schedule.ts';
import type { SimClock } from './sim-clock.ts';
import { SimEngine } from './sim-engine.ts';
import { SimStore } from './sim-store.ts';

type RecordOrder = Extract<Order, { kind: 'store-container' | 'forget-container' }>;

interface Write {
  readonly order: RecordOrder;
  readonly answer: (result: OrderAnswer) => void;
}

/**
 * What a host keeps while its daemon comes and goes; performs the core's orders. Containers' records are
 * written in groups, as the daemon's record writer does it: what waits is lost with the daemon.
 */
export class SimHost {
  readonly store = new SimStore();
  readonly engine: SimEngine;
  readonly clock: SimClock;
  /** Store writes fail while true. */
  diskFull = false;
  /** Writes are durable and answered up to this much later, ms. */
  diskSlowMs = 0;
  /** Not yet durable, in order. */
  #waiting: Write[] = [];
  readonly #schedule: Schedule;
  readonly #random: Prng;

  constructor(schedule: Schedule, random: Prng, clock: SimClock, onExit: (exit: Observation) => void) {
    this.#schedule = schedule;
    this.#random = random;
    this.clock = clock;
    this.engine = new SimEngine(schedule, random, () => clock.wallMs(), onExit);
  }

  /** Answers come later, never within the call. What is written is durable when it is answered. */
  perform(order: Order, answer: (result: OrderAnswer) => void): void {
    if (order.kind === 'store-container' || order.kind === 'forget-container') {
      this.#waiting.push({ order, answer });
      if (this.#waiting.length > 1) return;
      const group = this.#waiting;
      this.#schedule.after(this.#lateMs(), () => {
        if (group === this.#waiting) this.#flush();
      });
    } else if (order.kind === 'store-incarnation') {
      const result = this.#write(order);
      this.#schedule.after(this.#lateMs(), () => answer(result));
    } else {
      this.engine.perform(order, answer);
    }
  }

  /** The daemon dies: whether what waited was just written is chance, but all of it was or nothing. */
  daemonDied(): void {
    const group = this.#waiting;
    this.#waiting = [];
    if (group.length > 0 && this.#random.chance(0.5)) for (const { order } of group) this.#write(order);
    this.engine.abandon();
  }

  #flush(): void {
    const group = this.#waiting;
    this.#waiting = [];
    const done = group.map(({ order, answer }) => ({ answer, result: this.#write(order) }));
    for (const { answer, result } of done) answer(result);
  }

  #lateMs(): number {
    return (this.#random.chance(0.8) ? 0 : this.#random.float() * 20) + this.#random.float() * this.diskSlowMs;
  }

  #write(order: RecordOrder | Extract<Order, { kind: 'store-incarnation' }>): OrderAnswer {
    if (this.diskFull) return { ok: false, error: { code: 'store-failed', message: 'no space is left on the device', changed: false } };
    if (order.kind === 'store-container') this.store.putContainer(order.container);
    else if (order.kind === 'forget-container') this.store.forgetContainer(order.containerId, order.removedAtMs);
    else this.store.putIncarnation(order.incarnation);
    return { ok: true };
  }
}
