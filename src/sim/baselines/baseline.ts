import type { Resources } from '../../core/model/index.ts';
import { Schedule } from '../schedule.ts';
import type { Ask, Contender, Outcome, PlacementTraffic } from '../workloads/contender.ts';
import type { ContenderSetup } from '../workloads/trial.ts';
import { Cluster } from './cluster.ts';
import { Wires } from './wires.ts';

/** Far above what any demand makes of ten thousand nodes in a second. */
const MOST_STEPS_PER_SECOND = 50_000_000;

/** An ask on its way. */
export interface Effort {
  readonly ask: Ask;
  readonly submittedMs: number;
  hops: number;
  /** Undefined once it was answered. */
  done: ((outcome: Outcome) => void) | undefined;
}

/** What all baselines have in common: true nodes, wires, and where each ask ended. */
export abstract class Baseline implements Contender {
  abstract readonly name: string;
  readonly schedule = new Schedule(MOST_STEPS_PER_SECOND);
  protected readonly cluster: Cluster;
  protected readonly wires: Wires;
  readonly #placedAt = new Map<number, number>();

  /** @param machines that have no resources but take part, numbered after the nodes */
  constructor(setup: ContenderSetup, machines = 0) {
    this.cluster = new Cluster(setup.nodes);
    this.wires = new Wires(this.schedule, setup.nodes.length + machines, setup.seed, setup.loss);
  }

  submit(ask: Ask, done: (outcome: Outcome) => void): void {
    this.begin({ ask, submittedMs: this.schedule.nowMs, hops: 0, done });
  }

  stop(ask: number): void {
    const node = this.#placedAt.get(ask);
    if (node === undefined) return;
    this.#placedAt.delete(ask);
    const held = this.cluster.release(node, ask);
    if (held !== undefined) this.onReleased(node, held);
  }

  fail(node: number): void {
    this.cluster.fail(node);
  }

  join(node: number): void {
    this.cluster.join(node);
  }

  used(): Resources {
    return this.cluster.used;
  }

  capacity(): Resources {
    return this.cluster.capacity;
  }

  fitsSomewhere(ask: Ask): boolean {
    return this.cluster.fitsSomewhere(ask);
  }

  get traffic(): PlacementTraffic {
    return this.wires.traffic();
  }

  protected abstract begin(effort: Effort): void;

  /** A container was ended, its node has that much more. */
  protected onReleased(_node: number, _resources: Resources): void {}

  /** The origin knows. @returns false where it knew already, and wants no second place */
  protected answer(effort: Effort, node: number | undefined): boolean {
    const { done, ask, submittedMs, hops } = effort;
    if (done === undefined) return false;
    effort.done = undefined;
    if (node !== undefined) this.#placedAt.set(ask.id, node);
    done({ node, tookMs: this.schedule.nowMs - submittedMs, hops });
    return true;
  }
}
