import type { Arena } from './arena.ts';
import { exponential } from './exponential.ts';

/** Requests per second while it fills, in percent of the number of nodes. */
const PACE_PERCENT = 0.6;
/** So many containers of each hundred nodes are then ended and others asked for: nodes are not as a first fill leaves them. */
const REPLACED_PERCENT = 20;
/** Then nothing happens, until what gossip tells is as it will be. */
const SETTLE_MS = 120_000;
/** Asking for so many times what is to be in use without getting there: it can't be reached. */
const GIVE_UP = 2;

/** Fills nodes through the contender up to a utilisation (0 to 1), then calls `then`. @returns how much is done, 0 to 1 */
export function preload(arena: Arena, utilisation: number, then: () => void): () => number {
  const meanGapMs = 100_000 / (PACE_PERCENT * arena.nodes);
  const { tally } = arena;
  let replace = Math.ceil((arena.nodes * REPLACED_PERCENT) / 100);
  const after = (run: () => void) => arena.schedule.after(exponential(meanGapMs, arena.random), run);
  const fill = () => {
    if (arena.ledger.utilisation() >= utilisation || tally.demand >= GIVE_UP * utilisation) return after(mix);
    arena.submit();
    return after(fill);
  };
  const mix = () => {
    if (replace-- <= 0) return arena.schedule.after(SETTLE_MS, then);
    arena.stopAny();
    arena.submit();
    return after(mix);
  };
  after(fill);
  return () => Math.min(1, arena.ledger.utilisation() / utilisation);
}
