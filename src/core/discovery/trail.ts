import { LIMITS } from '../model/index.ts';
import type { Considered, Resources, Seen } from '../model/index.ts';
import { lacking } from '../model/filter.ts';

/** Without those that fitted: they were another shard's, or stand behind one that has just refused. */
export const refusalsIn = (trail: readonly Seen[]): readonly Seen[] =>
  trail.filter((seen) => seen.reason !== undefined).slice(-LIMITS.trailRefusals);

/** A node that a find met, in words. */
export function consideredOf({ nodeId, reason, detail, free, score }: Seen, name: string, wanted: Resources): Considered {
  const figures = reason === 'cpu' || reason === 'memory' ? lacking(wanted, free)?.detail : undefined;
  return { nodeId, name, accepted: false, reason, detail: figures ?? detail, free, score };
}
