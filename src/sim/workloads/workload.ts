import type { CpuClass, Resources } from '../../core/model/index.ts';
import type { Prng } from '../../lib/prng.ts';
import type { NodeShape } from './contender.ts';

/** What a trial's nodes are like and what is asked of them; demand says when. */
export interface Workload {
  readonly name: string;
  /** Nodes it was made for; undefined where the file says nothing. */
  readonly nodes: number | undefined;
  readonly population: readonly Share<NodeShape>[];
  readonly profiles: readonly Share<Profile>[];
  /** Undefined: it has none of its own, only demands that make their own can use it. */
  readonly rates: Rates | undefined;
}

/** A kind of request. */
export interface Profile {
  readonly class: CpuClass;
  readonly resources: Resources;
}

export interface Rates {
  readonly ticks: number;
  readonly tickSeconds: number;
  /** Percent of the number of nodes per tick. The run is cut in equal stretches, one rate each. */
  readonly deploy: readonly number[];
  readonly stop: readonly number[];
}

/** One of several things, with how often it comes. */
export interface Share<T> {
  readonly percent: number;
  readonly of: T;
}

/** The index of one of `shares`, by their percents. */
export function draw(shares: readonly Share<unknown>[], random: Prng): number {
  let left = random.float() * 100;
  const found = shares.findIndex(({ percent }) => (left -= percent) < 0);
  // Percents add up to 100 but for rounding.
  return found < 0 ? shares.length - 1 : found;
}

/** `count` nodes, each drawn by itself. */
export function drawNodes(population: readonly Share<NodeShape>[], count: number, random: Prng): readonly NodeShape[] {
  return Array.from({ length: count }, () => (population[draw(population, random)] as Share<NodeShape>).of);
}
