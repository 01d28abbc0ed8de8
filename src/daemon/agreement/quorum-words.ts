import type { Member, NodeId } from '../../core/model/index.ts';

/** Why nothing can be agreed, as far as gossip tells: who the members are, which do not answer, what to do. Without the last full stop. */
export function withoutMajority(members: readonly NodeId[], known: readonly Member[], nameOf: (id: NodeId) => string): string {
  if (members.length === 0) {
    return 'No agreement member is known to this node: see "caravela agreement status" on another one';
  }
  const states = new Map(known.map((member) => [member.id, member.state]));
  const named = members.map((id) => {
    const state = states.get(id);
    return state === 'alive' ? nameOf(id) : `${nameOf(id)} (${state === undefined ? 'never seen' : state})`;
  });
  const isMissing = members.some((id) => states.get(id) !== 'alive');
  const who = members.length === 1 ? `the only agreement member is ${named[0]}` : `the agreement members are ${named.join(', ')}`;
  const what = isMissing
    ? 'Start what is down. What is lost for ever is replaced by "caravela agreement recover", run on a node that has etcd'
    : 'All are alive as far as this node knows, so try again in a moment; "caravela agreement status" says more';
  return `No majority of the agreement members answers: ${who}. ${what}`;
}
