import type { NodeId } from '../../core/model/index.ts';

/** What the leader of the members goes by. Times in ms. */
export interface MembersView {
  /** The leader's node. */
  readonly self: NodeId;
  /** It is about to leave the instance. */
  readonly isLeaving: boolean;
  readonly members: readonly MemberView[];
  /** Nodes that could become members now: alive, not members, not known to refuse. */
  readonly candidates: readonly NodeId[];
  /** All nodes that could be members, were they alive; members too. */
  readonly present: number;
  readonly replaceAfterMs: number;
}

export interface MemberView {
  readonly node: NodeId;
  readonly isLearner: boolean;
  /** Since its node was last alive and its engine answered; 0: now. Infinity: its node is there and says that it is no member. */
  readonly deadForMs: number;
  /** Its node left the instance, or was removed from it. */
  readonly hasLeft: boolean;
}

export type Step =
  | { readonly kind: 'none' }
  | { readonly kind: 'invite'; readonly node: NodeId }
  | { readonly kind: 'promote'; readonly node: NodeId }
  | { readonly kind: 'remove'; readonly node: NodeId; readonly why: 'left' | 'dead' | 'surplus' };

const NONE: Step = { kind: 'none' };

/**
 * How many members an instance of this size has. Two would be worse than one: both are needed. Shrinking from five
 * waits a little, so that a node more or less doesn't move members to and fro.
 */
export function wantedMembers(present: number, voters: number): number {
  if (present < 3) return 1;
  return present >= 10 || (voters > 3 && present >= 8) ? 5 : 3;
}

/**
 * The leader's next step; one at a time, and the next only when it has come about (the engine refuses a change while
 * another is under way). A learner first: it counts in no majority until it has caught up, so a node that can't be
 * reached never costs one. A dead member goes before its replacement comes, as the engine adds nobody while a voter
 * is missing; what remains is then still a majority, or the removal would not be agreed.
 */
export function decide(view: MembersView): Step {
  const learner = view.members.find(({ isLearner }) => isLearner);
  if (learner !== undefined) return ofLearner(learner, view.replaceAfterMs);

  const voters = view.members;
  const others = voters.filter(({ node }) => node !== view.self).toSorted(deadFirst);
  const gone = others.find(({ hasLeft, deadForMs }) => hasLeft || deadForMs === Infinity);
  if (gone !== undefined) return { kind: 'remove', node: gone.node, why: gone.hasLeft ? 'left' : 'dead' };

  const wanted = wantedMembers(view.present, voters.length);
  const surplus = others[0];
  if (voters.length > wanted && surplus !== undefined && survives(others, surplus)) {
    return { kind: 'remove', node: surplus.node, why: 'surplus' };
  }

  const [candidate] = view.candidates.toSorted();
  if (candidate === undefined) return NONE;
  const dead = others.find(({ deadForMs }) => deadForMs >= view.replaceAfterMs);
  if (dead !== undefined) return survives(others, dead) ? { kind: 'remove', node: dead.node, why: 'dead' } : NONE;
  if (others.some(({ deadForMs }) => deadForMs > 0)) return NONE;
  const isLast = view.isLeaving && voters.length === 1;
  if (isLast || (voters.length < wanted && reachesOdd(voters.length, view.candidates.length))) return { kind: 'invite', node: candidate };
  return NONE;
}

function ofLearner(learner: MemberView, patienceMs: number): Step {
  if (learner.hasLeft) return { kind: 'remove', node: learner.node, why: 'left' };
  if (learner.deadForMs >= patienceMs) return { kind: 'remove', node: learner.node, why: 'dead' };
  return { kind: 'promote', node: learner.node };
}

/** Whether those alive without it, and the leader, are a majority of what remains. */
function survives(others: readonly MemberView[], removed: MemberView): boolean {
  const remaining = others.filter((each) => each !== removed);
  const alive = 1 + remaining.filter(({ deadForMs }) => deadForMs === 0).length;
  return alive > (remaining.length + 1) / 2;
}

/** An even number of voters stands no more failures than one less: the second must be at hand. */
const reachesOdd = (voters: number, candidates: number): boolean => voters % 2 === 0 || candidates >= 2;

/** The longest dead first, then the highest id. */
const deadFirst = (a: MemberView, b: MemberView): number => b.deadForMs - a.deadForMs || (a.node < b.node ? 1 : -1);
