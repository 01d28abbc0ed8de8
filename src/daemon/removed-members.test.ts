import { expect, it } from 'vitest';
import { type Member, type Message, nodeId } from '../core/model/index.ts';
import { RemovedMembers } from './removed-members.ts';

const [HERE, OUT, GONE] = ['a', 'b', 'c'].map((digit) => nodeId(digit.repeat(32)));

it('says for those that were shut out that they left, once it is agreed and whenever they are said to be there', () => {
  const said: [string, Message][] = [];
  const member = (id: typeof HERE, state: string) => ({ id, incarnation: 7, state }) as Member;
  const all = [member(HERE, 'dead'), member(OUT, 'dead'), member(GONE, 'left')];
  const removed = new Set<unknown>();
  const members = new RemovedMembers({
    members: () => all,
    isRemoved: (id) => removed.has(id),
    receive: (from, message) => said.push([from, message]),
  });
  members.look();
  expect(said).toEqual([]);
  removed.add(OUT).add(GONE);
  members.look();
  const shortId = 'b'.repeat(16);
  const rumour = { kind: 'state', shortId, incarnation: 7, state: 'left', from: shortId };
  expect(said).toEqual([[OUT, { kind: 'gossip', gossip: [rumour], hints: [] }]]);
  const { state: _state, ...record } = member(OUT, 'alive');
  members.see({ kind: 'member-alive', member: { ...record, incarnation: 9 }, first: false });
  members.see({ kind: 'member-dead', nodeId: OUT ?? nodeId('b'.repeat(32)), name: 'out' });
  expect(said.slice(1)).toEqual([[OUT, { kind: 'gossip', gossip: [{ ...rumour, incarnation: 9 }], hints: [] }]]);
});
