import type { Event } from '../core/model/index.ts';
import type { Violation } from './checkers/checker.ts';
import type { FaultKind } from './faults/fault.ts';
import type { MeasuresSummary } from './measures.ts';
import type { Traffic } from './network/packet-network.ts';

/** What a run came to. */
export interface Outcome {
  readonly seed: number;
  readonly nodes: number;
  /** The options that repeat it, as words of the command line; faults given by a scenario apart. */
  readonly again: string;
  readonly virtualMs: number;
  readonly traceHash: string;
  /** The first ones; empty when all is well. */
  readonly violations: readonly Violation[];
  /** What the core threw; undefined when it did not. */
  readonly crash: Error | undefined;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly traffic: Traffic;
  readonly events: ReadonlyMap<Event['kind'], number>;
  readonly measures: MeasuresSummary;
}

export const EXIT = { ok: 0, correctness: 1, liveness: 2, crash: 3 } as const;

/** The worst of what happened. */
export function exitCodeOf(outcome: Outcome): number {
  if (outcome.crash !== undefined) return EXIT.crash;
  if (outcome.violations.some((v) => v.property === 'correctness')) return EXIT.correctness;
  return outcome.violations.length > 0 ? EXIT.liveness : EXIT.ok;
}
