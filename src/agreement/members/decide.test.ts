import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NodeId, nodeId } from '../../core/model/index.ts';
import { decide, type MembersView, type MemberView, wantedMembers } from './decide.ts';

const id = (n: number): NodeId => nodeId(n.toString(16).padStart(32, '0'));
const voter = (n: number, more: Partial<MemberView> = {}): MemberView => ({
  node: id(n),
  isLearner: false,
  deadForMs: 0,
  hasLeft: false,
  ...more,
});
const view = (more: Partial<MembersView>): MembersView => ({
  self: id(1),
  isLeaving: false,
  members: [voter(1)],
  candidates: [],
  present: 1,
  replaceAfterMs: 300_000,
  ...more,
});

describe('how many', () => {
  it('one below three nodes, three, five from ten, and five down to eight', () => {
    expect([1, 2, 3, 9, 10, 100].map((present) => wantedMembers(present, 1))).toEqual([1, 1, 3, 3, 5, 5]);
    expect([9, 8, 7].map((present) => wantedMembers(present, 5))).toEqual([5, 5, 3]);
  });
});

describe('decide', () => {
  it('grows from three nodes on, by the lowest id, and never to an even number for good', () => {
    expect(decide(view({ present: 2, candidates: [id(2)] }))).toEqual({ kind: 'none' });
    expect(decide(view({ present: 3, candidates: [id(3), id(2)] }))).toEqual({ kind: 'invite', node: id(2) });
    expect(decide(view({ present: 3, candidates: [id(2)] }))).toEqual({ kind: 'none' });
    expect(decide(view({ present: 3, members: [voter(1), voter(2)], candidates: [id(3)] }))).toEqual({ kind: 'invite', node: id(3) });
    const three = [voter(1), voter(2), voter(3)];
    expect(decide(view({ present: 9, members: three, candidates: [id(4), id(5)] }))).toEqual({ kind: 'none' });
    expect(decide(view({ present: 10, members: three, candidates: [id(4), id(5)] }))).toEqual({ kind: 'invite', node: id(4) });
  });

  it('makes a learner a voter, or gives it up once it is dead for too long', () => {
    const members = [voter(1), voter(2, { isLearner: true })];
    expect(decide(view({ present: 3, members, candidates: [id(3)] }))).toEqual({ kind: 'promote', node: id(2) });
    const dead = [voter(1), voter(2, { isLearner: true, deadForMs: 300_000 })];
    expect(decide(view({ present: 3, members: dead }))).toEqual({ kind: 'remove', node: id(2), why: 'dead' });
  });

  it('replaces a member that is dead for long, and only where another can take its place', () => {
    const members = [voter(1), voter(2, { deadForMs: 300_000 }), voter(3)];
    expect(decide(view({ present: 4, members, candidates: [id(4)] }))).toEqual({ kind: 'remove', node: id(2), why: 'dead' });
    expect(decide(view({ present: 3, members }))).toEqual({ kind: 'none' });
    const briefly = [voter(1), voter(2, { deadForMs: 299_999 }), voter(3)];
    expect(decide(view({ present: 4, members: briefly, candidates: [id(4)] }))).toEqual({ kind: 'none' });
  });

  it('takes out who left at once, and who is too many: a dead one first, never itself', () => {
    const left = [voter(1), voter(2), voter(3, { hasLeft: true })];
    expect(decide(view({ present: 5, members: left, candidates: [id(4)] }))).toEqual({ kind: 'remove', node: id(3), why: 'left' });
    expect(decide(view({ self: id(9), present: 2, members: [voter(1), voter(9)] }))).toEqual({
      kind: 'remove',
      node: id(1),
      why: 'surplus',
    });
    const five = [1, 2, 3, 4, 5].map((n) => voter(n, { deadForMs: n === 2 ? 1_000 : 0 }));
    expect(decide(view({ present: 6, members: five }))).toEqual({ kind: 'remove', node: id(2), why: 'surplus' });
  });

  it('takes out who lost what it had, though nobody else could come: it may come back as a learner', () => {
    const members = [voter(1), voter(2), voter(3, { deadForMs: Infinity })];
    expect(decide(view({ present: 3, members }))).toEqual({ kind: 'remove', node: id(3), why: 'dead' });
  });

  it('before the last member leaves it calls another', () => {
    expect(decide(view({ isLeaving: true, present: 2, candidates: [id(2)] }))).toEqual({ kind: 'invite', node: id(2) });
    expect(decide(view({ isLeaving: true, present: 1 }))).toEqual({ kind: 'none' });
  });

  it('property: never itself, never two changes, never below a majority that is alive, and it comes to rest', () => {
    const member = fc.record({
      deadForMs: fc.constantFrom(0, 0, 1_000, 400_000, Infinity),
      hasLeft: fc.boolean(),
      isLearner: fc.constant(false),
    });
    fc.assert(
      fc.property(
        fc.array(member, { maxLength: 4 }),
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 0, max: 6 }),
        (rest, spare, dead) => {
          let members = [voter(1), ...rest.map((each, n) => voter(n + 2, each))];
          const candidates = Array.from({ length: spare }, (_, n) => id(n + 20));
          const isAlive = (each: MemberView) => each.deadForMs === 0;
          // As the engine: nothing is agreed without a majority.
          fc.pre(members.filter(isAlive).length > members.length / 2);
          for (let steps = 0; ; steps++) {
            expect(steps).toBeLessThan(40);
            const free = candidates.filter((each) => members.every(({ node }) => node !== each));
            const staying = members.filter(({ hasLeft }) => !hasLeft).length;
            const step = decide(view({ members, candidates: free, present: staying + free.length + dead }));
            if (step.kind === 'none') break;
            if (step.kind === 'remove') {
              expect(step.node).not.toBe(id(1));
              members = members.filter(({ node }) => node !== step.node);
            } else if (step.kind === 'invite') {
              expect(members.some(({ isLearner }) => isLearner)).toBe(false);
              members = [...members, voter(Number.parseInt(step.node, 16), { isLearner: true })];
            } else {
              members = members.map((each) => (each.node === step.node ? { ...each, isLearner: false } : each));
            }
            const voters = members.filter(({ isLearner }) => !isLearner);
            if (step.kind !== 'remove') expect(voters.filter(isAlive).length).toBeGreaterThan(voters.length / 2);
          }
          expect(members.some(({ isLearner, hasLeft }) => isLearner || hasLeft)).toBe(false);
        },
      ),
    );
  });
});
