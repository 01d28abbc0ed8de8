import { median, summary } from './stats.ts';

/** Times in ms by side and stage. */
export class Samples {
  readonly #times = new Map<string, Map<string, number[]>>();

  add(side: string, times: Readonly<Record<string, number>>): void {
    const stages = this.#times.get(side) ?? new Map<string, number[]>();
    this.#times.set(side, stages);
    for (const [stage, ms] of Object.entries(times)) stages.set(stage, [...(stages.get(stage) ?? []), ms]);
  }

  clear(): void {
    this.#times.clear();
  }

  stages(side: string): readonly string[] {
    return [...(this.#times.get(side)?.keys() ?? [])].toSorted();
  }

  median(side: string, stage: string): number {
    return median(this.#of(side, stage));
  }

  last(side: string, stage: string): number {
    return this.#of(side, stage).at(-1) ?? Number.NaN;
  }

  /** The median of what `side` took more than `other` in the same round: what else the machine did then hit both. */
  medianOver(side: string, other: string, stage: string): number {
    const others = this.#of(other, stage);
    return median(this.#of(side, stage).map((ms, round) => ms - (others[round] ?? Number.NaN)));
  }

  /** min, median and p95 for a table. */
  row(side: string, stage: string): readonly string[] {
    const s = summary(this.#of(side, stage));
    return [s.min, s.median, s.p95].map((ms) => ms.toFixed(1));
  }

  #of(side: string, stage: string): readonly number[] {
    return this.#times.get(side)?.get(stage) ?? [];
  }
}
