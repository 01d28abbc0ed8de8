import { assertNever } from '../../lib/assert.ts';
import type { Arena } from './arena.ts';
import { startBurst } from './burst.ts';
import type { BurstDemand } from './burst.ts';
import { startChurn } from './churn.ts';
import type { ChurnDemand } from './churn.ts';
import { startRamp } from './ramp.ts';
import type { RampDemand } from './ramp.ts';
import { startRates } from './rates.ts';
import type { RatesDemand } from './rates.ts';
import type { Workload } from './workload.ts';

/** When containers are asked for and ended, when nodes fail. */
export type Demand = RampDemand | RatesDemand | BurstDemand | ChurnDemand;

/**
 * Puts a demand on the arena's schedule; it goes on by itself until it says `arena.finish()`.
 *
 * @returns how much of it is done, 0 to 1
 */
export function startDemand(demand: Demand, workload: Workload, arena: Arena): () => number {
  switch (demand.kind) {
    case 'ramp':
      return startRamp(demand, arena);
    case 'rates':
      return startRates(workload, arena);
    case 'burst':
      return startBurst(demand, arena);
    case 'churn':
      return startChurn(demand, arena);
    default:
      return assertNever(demand);
  }
}

/** A demand in a word that tells it from others. */
export function demandName(demand: Demand): string {
  switch (demand.kind) {
    case 'ramp':
    case 'rates':
      return demand.kind;
    case 'burst':
      return `burst ${demand.requestsPercent}% at ${demand.preloadPercent}%`;
    case 'churn':
      return `churn, ${demand.sessionHours} h sessions`;
    default:
      return assertNever(demand);
  }
}
