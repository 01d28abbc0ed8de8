import type { Arena } from './arena.ts';
import { preload } from './preload.ts';

/** Nodes in use to a part, then many requests at once, from everywhere. */
export interface BurstDemand {
  readonly kind: 'burst';
  /** In use before, percent of capacity. */
  readonly preloadPercent: number;
  /** Requests, in percent of the number of nodes. */
  readonly requestsPercent: number;
}

const WITHIN_MS = 1_000;

export function startBurst(demand: BurstDemand, arena: Arena): () => number {
  const requests = Math.round((arena.nodes * demand.requestsPercent) / 100);
  return preload(arena, demand.preloadPercent / 100, () => {
    arena.measure([]);
    for (let i = 0; i < requests; i++) arena.schedule.after(arena.random.float() * WITHIN_MS, () => arena.submit());
    arena.schedule.after(WITHIN_MS, () => arena.finish());
  });
}
