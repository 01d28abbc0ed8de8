import type { Arena } from './arena.ts';
import { exponential } from './exponential.ts';

/** Nothing ever ends; requests come until what was asked for exceeds what there is. */
export interface RampDemand {
  readonly kind: 'ramp';
  /** Requests per second, in percent of the number of nodes. */
  readonly pacePercent: number;
}

/** Percents of capacity; the last ends the ramp. */
const BAND_ENDS = [60, 80, 90, 95, 98, 105] as const;
const END = 1.05;

export function startRamp(demand: RampDemand, arena: Arena): () => number {
  const meanGapMs = 100_000 / (demand.pacePercent * arena.nodes);
  const tally = arena.measure(BAND_ENDS);
  const next = () => {
    arena.submit();
    if (tally.demand >= END) arena.finish();
    else arena.schedule.after(exponential(meanGapMs, arena.random), next);
  };
  arena.schedule.after(exponential(meanGapMs, arena.random), next);
  return () => Math.min(1, tally.demand / END);
}
