import type { Fault } from '../faults/fault.ts';

/** A history that once broke a rule, kept with what it needs to happen again. */
export interface Scenario {
  readonly name: string;
  /** What went wrong, and what has been done about it. */
  readonly story: string;
  readonly seed: number;
  readonly nodes: number;
  readonly durationMs: number;
  /** Undefined: those that the seed draws. */
  readonly faults: readonly Fault[] | undefined;
}
