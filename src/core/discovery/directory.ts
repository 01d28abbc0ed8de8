import type { Ring } from '../ring/ring.ts';
import type { Find, Need, NodeId, Resources, Seen, Turn } from '../model/index.ts';
import { regionKey } from '../model/index.ts';
import type { Hints } from './hints.ts';
import { directoryKey } from './region.ts';
import { isSafeSomewhere, nextQuery } from './route.ts';
import type { FindState } from './route.ts';

/** What buyers and traders share to send a find on its way: who answers for a region, and which has what. */
export interface Directory {
  readonly ring: Pick<Ring, 'size' | 'owner'>;
  readonly hints: Hints;
  readonly mean: () => Resources;
}

/** Whether hints promise what is needed almost for certain. */
export function hasSafeRegion(turn: Turn, { ring, hints, mean }: Directory, need: Need): boolean {
  return isSafeSomewhere(need, { hints: hints.believed(turn.nowMs), mean: mean(), members: ring.size });
}

export interface Onward {
  readonly to: NodeId;
  readonly find: Find;
}

/** The next trader to ask, and with what; undefined where none is left. */
export function onward(
  turn: Turn,
  { ring, hints, mean }: Directory,
  need: Need,
  state: FindState & { readonly shedDone: boolean; readonly refusals: number; readonly trail: readonly Seen[]; readonly plan: boolean },
): Onward | undefined {
  const query = nextQuery(need, state, { hints: hints.believed(turn.nowMs), mean: mean(), members: ring.size }, turn.random);
  const to = query === undefined ? undefined : ring.owner(directoryKey(query.region, query.shard));
  if (query === undefined || to === undefined) return undefined;
  const { shedDone, refusals, trail, plan } = state;
  const used = [...state.used, regionKey(query.region)];
  return { to, find: { kind: 'find', need, ...query, asked: state.asked + 1, shedDone, refusals, used, trail, plan } };
}
