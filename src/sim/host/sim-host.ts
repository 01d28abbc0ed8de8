import type { Observation, Order, OrderAnswer } from '../../core/model/index.ts';
import type { Prng } from '../../lib/prng.ts';
import type { Schedule } from '../schedule.ts';
import type { SimClock } from './sim-clock.ts';
import { SimEngine } from './sim-engine.ts';
import { SimStore } from './sim-store.ts';

/** What a host keeps while its daemon comes and goes; performs the core's orders. */
export class SimHost {
  readonly store = new SimStore();
  readonly engine: SimEngine;
  readonly clock: SimClock;
  /** Store writes fail while true. */
  diskFull = false;
  /** Writes are answered up to this much later, ms. */
  diskSlowMs = 0;
  readonly #schedule: Schedule;
  readonly #random: Prng;

  constructor(schedule: Schedule, random: Prng, clock: SimClock, onExit: (exit: Observation) => void) {
    this.#schedule = schedule;
    this.#random = random;
    this.clock = clock;
    this.engine = new SimEngine(schedule, random, () => clock.wallMs(), onExit);
  }

  /** Writes are durable when this returns; answers come later, never within the call. */
  perform(order: Order, answer: (result: OrderAnswer) => void): void {
    if (order.kind === 'store-container' || order.kind === 'forget-container' || order.kind === 'store-incarnation') {
      const result = this.#write(order);
      const lateMs = this.#random.chance(0.8) ? 0 : this.#random.float() * 20;
      this.#schedule.after(lateMs + this.#random.float() * this.diskSlowMs, () => answer(result));
    } else {
      this.engine.perform(order, answer);
    }
  }

  #write(order: Extract<Order, { kind: `store-${string}` | 'forget-container' }>): OrderAnswer {
    if (this.diskFull) return { ok: false, error: { code: 'store-failed', message: 'no space is left on the device', changed: false } };
    if (order.kind === 'store-container') this.store.putContainer(order.container);
    else if (order.kind === 'forget-container') this.store.forgetContainer(order.containerId, order.removedAtMs);
    else this.store.putIncarnation(order.incarnation);
    return { ok: true };
  }
}
