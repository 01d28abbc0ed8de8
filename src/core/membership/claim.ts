import type { MemberState } from '../model/index.ts';

/** What somebody says of a member's state under one of its incarnations. */
export interface Claim {
  readonly incarnation: number;
  readonly state: MemberState;
}

const RANK: Readonly<Record<MemberState, number>> = { alive: 0, suspect: 1, dead: 2, left: 3 };

/**
 * SWIM's order of claims (Das 2002, §4.2): a higher incarnation beats a lower one; under the same one
 * left beats dead beats suspect beats alive. It is a total order, so the belief that results from a set
 * of claims is their maximum, whatever order they arrive in.
 */
export function outranks(a: Claim, b: Claim): boolean {
  return a.incarnation > b.incarnation || (a.incarnation === b.incarnation && RANK[a.state] > RANK[b.state]);
}

/** Whether a member in this state is counted, gossiped to and probed. */
export const isLive = (state: MemberState): boolean => state === 'alive' || state === 'suspect';
