import type { CpuClass, Resources } from '../../core/model/index.ts';
import type { Schedule } from '../schedule.ts';

/**
 * A way to place containers, as a trial drives it: ours with the core's own machines, or a baseline. All
 * contenders of a trial get the same nodes, the same demand and the same latencies, drawn from the same seed,
 * each in a virtual time of its own.
 */
export interface Contender {
  readonly name: string;
  readonly schedule: Schedule;
  /** Looks for a place. `done` is called once; what was placed runs until `stop`. */
  submit(ask: Ask, done: (outcome: Outcome) => void): void;
  /** Ends what was placed under this ask. */
  stop(ask: number): void;
  /** A node fails without a word, with all that runs there; or comes (back), empty. */
  fail(node: number): void;
  join(node: number): void;
  /** What is truly used and free, alive nodes only: for utilisation, and for telling whether a refused ask would have fitted. */
  used(): Resources;
  capacity(): Resources;
  fitsSomewhere(ask: Ask): boolean;
  readonly traffic: PlacementTraffic;
}

/** A node as a population has it. */
export interface NodeShape {
  readonly class: CpuClass;
  readonly capacity: Resources;
}

export interface Ask {
  readonly id: number;
  /** At which node it comes in; a baseline with a master sends it there first. */
  readonly origin: number;
  readonly resources: Resources;
  readonly class: CpuClass;
  /** Which of the workload's profiles it is: a stop ends the newest of one. */
  readonly profile: number;
}

export interface Outcome {
  /** Undefined: refused. */
  readonly node: number | undefined;
  /** Virtual ms from submit until a supplier's accept, or the refusal, was known at the origin. */
  readonly tookMs: number;
  /** One-way messages one after the other, up to that moment. */
  readonly hops: number;
}

/** Messages so far, between different nodes. */
export interface PlacementTraffic {
  /** find, reserve, accept, refuse, not-found, launch and whatever else belongs to one ask. */
  readonly placement: number;
  /** publish, withdraw and what else keeps the directory right. */
  readonly upkeep: number;
  /** What the name directory needs for what was placed; absent: there is none. */
  readonly names?: number;
  readonly refusedReserves: number;
  /** Of all of these. */
  readonly bytes: number;
  /** The most that one node received in any one virtual second, and on average over the trial. */
  readonly hottestPeak: number;
  readonly hottestMean: number;
}
