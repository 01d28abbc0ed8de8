import { Prng } from '../../lib/prng.ts';
import type { Arena } from './arena.ts';
import { exponential } from './exponential.ts';
import { preload } from './preload.ts';

/** Containers come and go at a steady utilisation while nodes fail and come back empty. */
export interface ChurnDemand {
  readonly kind: 'churn';
  /** Percent of the capacity of the nodes alive. */
  readonly utilisationPercent: number;
  /** How long a node stays on average; exponential. */
  readonly sessionHours: number;
  readonly hours: number;
  /** Arrivals and departures per second, in percent of the number of nodes. */
  readonly pacePercent: number;
}

/** How long a node that failed stays away. */
const AWAY_MS = 60_000;
const HOUR_MS = 3_600_000;

export function startChurn(demand: ChurnDemand, arena: Arena): () => number {
  const target = demand.utilisationPercent / 100;
  const meanGapMs = 100_000 / (demand.pacePercent * arena.nodes);
  let endMs = Number.POSITIVE_INFINITY;
  let startMs = 0;
  const event = () => {
    if (arena.schedule.nowMs >= endMs) return arena.finish();
    if (arena.ledger.utilisation() < target) arena.submit();
    else arena.stopAny();
    return arena.schedule.after(exponential(meanGapMs, arena.random), event);
  };
  const filled = preload(arena, target, () => {
    startMs = arena.schedule.nowMs;
    endMs = startMs + demand.hours * HOUR_MS;
    arena.measure([]);
    event();
    failNodes(arena, demand.sessionHours * HOUR_MS, endMs);
  });
  return () => (startMs === 0 ? filled() * FILLING : FILLING + (1 - FILLING) * ((arena.schedule.nowMs - startMs) / (endMs - startMs)));
}

/** What part of the work filling is, roughly. */
const FILLING = 0.3;

/** Each node by itself. */
function failNodes(arena: Arena, sessionMs: number, endMs: number): void {
  for (let node = 0; node < arena.nodes; node++) {
    const session = new Prng(arena.failures.uint32());
    const fail = () => {
      if (arena.schedule.nowMs >= endMs) return;
      arena.fail(node);
      arena.schedule.after(AWAY_MS, () => {
        arena.join(node);
        arena.schedule.after(exponential(sessionMs, session), fail);
      });
    };
    arena.schedule.after(exponential(sessionMs, session), fail);
  }
}
