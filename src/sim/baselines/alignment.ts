import type { Resources } from '../../core/model/index.ts';
import { classRank } from '../../core/model/filter.ts';
import type { Ask } from '../workloads/contender.ts';

const CLASS_WEIGHT = 4;
const ALIGNMENT = 10;

/**
 * The core's score of binpack (core/discovery/score.ts), prepared for one ask so that ten thousand nodes can be
 * looked at for each. Parts that are alike for all nodes are left out. Lower is better.
 */
export class Alignment {
  readonly #rank: number;
  readonly #cpu: number;
  readonly #memory: number;
  readonly #unitCpu: number;
  readonly #unitMemory: number;
  readonly #alignCpu: number;
  readonly #alignMemory: number;

  constructor(ask: Ask, mean: Resources) {
    this.#rank = classRank(ask.class);
    this.#cpu = ask.resources.cpuMillicores;
    this.#memory = ask.resources.memoryBytes;
    this.#unitCpu = 1 / mean.cpuMillicores;
    this.#unitMemory = 1 / mean.memoryBytes;
    const length = Math.hypot(this.#cpu * this.#unitCpu, this.#memory * this.#unitMemory);
    this.#alignCpu = length > 0 ? (ALIGNMENT * this.#cpu * this.#unitCpu) / length : 0;
    this.#alignMemory = length > 0 ? (ALIGNMENT * this.#memory * this.#unitMemory) / length : 0;
  }

  /** Of a node with so much free; infinite where the ask does not fit, or where it can't be below `below`. */
  score(rank: number, freeCpu: number, freeMemory: number, below = Number.POSITIVE_INFINITY): number {
    if (freeCpu < this.#cpu || freeMemory < this.#memory || rank < this.#rank) return Number.POSITIVE_INFINITY;
    const cpu = freeCpu * this.#unitCpu;
    const memory = freeMemory * this.#unitMemory;
    const unaligned = CLASS_WEIGHT * rank + cpu + memory;
    // A cosine is at most 1: most nodes need no root.
    if (unaligned - ALIGNMENT >= below) return Number.POSITIVE_INFINITY;
    const length = Math.sqrt(cpu * cpu + memory * memory);
    const aligned = length > 0 ? (this.#alignCpu * cpu + this.#alignMemory * memory) / length : 0;
    return unaligned - aligned;
  }
}
