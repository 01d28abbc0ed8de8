/**
 * What a run insists on. Soft wishes are tried as if they were hard; where nobody is found they are
 * given up, all at once, and it looks again. Affinities that another part of the same stack answers
 * are the buyer's to know: that part is held, not launched, so its supplier can't see it yet.
 */
import type { Affinity, Constraint, NodeId } from '../model/index.ts';
import { affinityWords, isMeant } from '../model/affinity.ts';
import type { Unfit } from '../model/filter.ts';
import type { Run } from './run.ts';

export function constraintsOf({ wanted, wishes }: Run): readonly Constraint[] {
  return wishes === 'kept' ? wanted.constraints : wanted.constraints.filter(({ soft }) => !soft);
}

export function affinitiesOf({ wanted, wishes }: Run): readonly Affinity[] {
  return wishes === 'kept' ? wanted.affinities : wanted.affinities.filter(({ soft }) => !soft);
}

/** What a node itself has to answer: not what a part of the stack that is there answers already. */
export function affinitiesAt(run: Run, node: NodeId | undefined): readonly Affinity[] {
  const affinities = affinitiesOf(run);
  if (node === undefined || affinities.length === 0) return affinities;
  const there = run.owner.companions(run).filter((companion) => companion.node === node);
  return affinities.filter((affinity) => affinity.operator === '!=' || !there.some(({ part }) => isMeant(affinity, part)));
}

/** Whether it may be anywhere, as far as what it wants to be with goes: else whole nodes have to be asked. */
export const isDrawn = (run: Run): boolean => affinitiesOf(run).some(({ operator }) => operator === '==');

/** Nodes of parts of the stack that it must not be with. */
export function awayFrom(run: Run): readonly NodeId[] {
  const apart = affinitiesOf(run).filter(({ operator }) => operator === '!=');
  if (apart.length === 0) return [];
  const meant = run.owner.companions(run).filter(({ part }) => apart.some((affinity) => isMeant(affinity, part)));
  return meant.map(({ node }) => node);
}

/** Why a node is not even asked; undefined where it may be. */
export function ruledOut(run: Run, node: NodeId): Unfit | undefined {
  if (run.excluded.has(node)) return { reason: 'excluded', detail: '' };
  if (run.owner.others(run).includes(node)) return { reason: 'excluded', detail: 'has another part of the group' };
  if (awayFrom(run).includes(node)) return { reason: 'affinity', detail: 'gets a part of the stack that it must not be with' };
  return undefined;
}

/** Whether giving wishes up may help. */
export function hasWishes({ wanted: { constraints, affinities }, wishes }: Run): boolean {
  return wishes === 'kept' && [...constraints, ...affinities].some(({ soft }) => soft);
}

/** Those given up, as they are written on the command line. */
export function givenUp({ wanted, wishes }: Run): readonly string[] {
  if (wishes === 'kept') return [];
  const constraints = wanted.constraints.filter(({ soft }) => soft).map(({ key, operator, value }) => `${key}${operator}~${value}`);
  const affinities = wanted.affinities.filter(({ soft }) => soft).map((affinity) => affinityWords(affinity));
  return [...constraints, ...affinities];
}
