import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NodeId } from '../model/index.ts';
import { MemberIndex, rumourId } from './member-index.ts';

/** Few of them, so that they meet again. */
const idOf = (n: number): NodeId => ((n * 0x9e37_79b1) >>> 0).toString(16).padStart(8, '0').repeat(4) as NodeId;

test('finds what was added and not deleted, by whole and short ids, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(40)), { maxLength: 200 }), (steps) => {
      const ids = Array.from({ length: 41 }, (_, n) => idOf(n));
      const index = new MemberIndex((slot) => ids[slot] as NodeId, 2);
      const there = new Set<number>();
      for (const [isAdded, slot] of steps) {
        if (isAdded && !there.has(slot)) index.add(slot);
        else if (!isAdded && there.has(slot)) index.delete(slot);
        if (isAdded) there.add(slot);
        else there.delete(slot);
      }
      for (const [slot, id] of ids.entries()) {
        const expected = there.has(slot) ? slot : -1;
        expect(index.find(id)).toBe(expected);
        expect(index.findShort(rumourId(id))).toBe(expected);
      }
    }),
  );
});

test('members that begin alike share a short id, and are told apart by their ids', () => {
  const ids = ['a'.repeat(32), `${'a'.repeat(16)}${'b'.repeat(16)}`] as NodeId[];
  const index = new MemberIndex((slot) => ids[slot] as NodeId, 2);
  index.add(0);
  index.add(1);
  expect(ids.map((id) => index.find(id))).toEqual([0, 1]);
  index.delete(0);
  expect(index.findShort('a'.repeat(16))).toBe(1);
  expect(index.findShort('a')).toBe(-1);
});
