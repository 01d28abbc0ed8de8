import type { Result } from '../core/model/index.ts';
import type { Checker, Issued, Watched } from './checkers/checker.ts';

export interface MeasuresSummary {
  readonly runs: number;
  readonly placed: number;
  /** Runs that ended without a placement, by error code. */
  readonly refused: ReadonlyMap<string, number>;
  /** Runs whose node died before it answered. */
  readonly orphaned: number;
  /** From command to reply, of placed runs, virtual ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Counts runs and times placements. Listens as a checker does, and judges nothing. */
export class Measures implements Checker {
  readonly name = 'measures';
  #runs = 0;
  #answered = 0;
  readonly #tookMs: number[] = [];
  readonly #refused = new Map<string, number>();

  onCommand(_world: Watched, issued: Issued): void {
    if (issued.command.kind === 'run') this.#runs++;
  }

  onReply(world: Watched, issued: Issued, result: Result): void {
    if (issued.command.kind !== 'run') return;
    this.#answered++;
    if (result.ok) this.#tookMs.push(world.nowMs - issued.atMs);
    else this.#refused.set(result.error.code, (this.#refused.get(result.error.code) ?? 0) + 1);
  }

  summary(): MeasuresSummary {
    const sorted = this.#tookMs.toSorted((a, b) => a - b);
    const quantile = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
    return {
      runs: this.#runs,
      placed: sorted.length,
      refused: this.#refused,
      orphaned: this.#runs - this.#answered,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
    };
  }
}
