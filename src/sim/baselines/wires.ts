import { Prng } from '../../lib/prng.ts';
import type { Schedule } from '../schedule.ts';
import type { PlacementTraffic } from '../workloads/contender.ts';

/** One-way, ms, uniform: machines in many homes. */
const LATENCY_MS = { least: 5, most: 80 } as const;
/** A lost packet is sent again after this, as a stream would. */
const RESEND_MS = 200;

/** Of a message with its seal, as our own are. */
export const BYTES = {
  ask: 96,
  probe: 96,
  answer: 76,
  reserve: 160,
  accept: 48,
  refuse: 56,
  notFound: 64,
  cancel: 40,
  report: 88,
} as const;

/** Messages between machines, each late by chance; all arrive in the end. Counts them where they arrive. */
export class Wires {
  readonly #schedule: Schedule;
  readonly #random: Prng;
  readonly #loss: number;
  readonly #received: Float64Array;
  readonly #inSecond: Uint32Array;
  #touched: number[] = [];
  #second = 0;
  #hottestPeak = 0;
  #placement = 0;
  #upkeep = 0;
  #bytes = 0;
  refusedReserves = 0;

  /** @param loss share of packets lost, below 1 */
  constructor(schedule: Schedule, machines: number, seed: number, loss: number) {
    this.#schedule = schedule;
    this.#random = new Prng(seed ^ LATENCIES);
    this.#loss = loss;
    this.#received = new Float64Array(machines);
    this.#inSecond = new Uint32Array(machines);
  }

  /** For what belongs to one ask. A machine talks to itself at once, and that is no message. */
  send(from: number, to: number, bytes: number, deliver: () => void): void {
    if (from !== to) this.#placement += this.#transmit(to, bytes, deliver);
    else this.#schedule.after(0, deliver);
  }

  /** For what keeps someone's view right. */
  sendUpkeep(from: number, to: number, bytes: number, deliver: () => void): void {
    if (from !== to) this.#upkeep += this.#transmit(to, bytes, deliver);
    else this.#schedule.after(0, deliver);
  }

  traffic(): PlacementTraffic {
    const seconds = Math.max(1, this.#schedule.nowMs / 1_000);
    return {
      placement: this.#placement,
      upkeep: this.#upkeep,
      refusedReserves: this.refusedReserves,
      bytes: this.#bytes,
      hottestPeak: this.#hottestPeak,
      hottestMean: this.#received.reduce((most, n) => Math.max(most, n), 0) / seconds,
    };
  }

  /** @returns packets that took */
  #transmit(to: number, bytes: number, deliver: () => void): number {
    let packets = 1;
    while (this.#loss > 0 && this.#random.chance(this.#loss)) packets++;
    const { least, most } = LATENCY_MS;
    this.#bytes += bytes * packets;
    this.#schedule.after((packets - 1) * RESEND_MS + least + this.#random.float() * (most - least), () => {
      this.#countAt(to);
      deliver();
    });
    return packets;
  }

  #countAt(machine: number): void {
    const second = Math.floor(this.#schedule.nowMs / 1_000);
    if (second !== this.#second) {
      for (const touched of this.#touched) this.#inSecond[touched] = 0;
      this.#touched = [];
      this.#second = second;
    }
    const now = (this.#inSecond[machine] ?? 0) + 1;
    if (now === 1) this.#touched.push(machine);
    this.#inSecond[machine] = now;
    this.#received[machine] = (this.#received[machine] ?? 0) + 1;
    this.#hottestPeak = Math.max(this.#hottestPeak, now);
  }
}

const LATENCIES = 0x3c6ef372;
