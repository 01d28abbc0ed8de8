import { expect, test } from 'vitest';
import { Prng } from '../../lib/prng.ts';
import { nodeId } from '../model/index.ts';
import type { NodeId } from '../model/index.ts';
import { Ring } from './ring.ts';

const random = new Prng(7);
const ids = Array.from({ length: 200 }, () => nodeId(random.hex(16)));
const keys = Array.from({ length: 5_000 }, (_, i) => `low/${i % 12}/${i}#0`);

function ringOf(members: readonly NodeId[]): Ring {
  const ring = new Ring();
  for (const id of members) ring.add(id);
  return ring;
}

test('an empty ring has no owner, a ring of one has one', () => {
  const ring = new Ring();
  expect(ring.owner('x')).toBeUndefined();
  ring.add(ids[0] as NodeId);
  expect(ring.owner('x')).toBe(ids[0]);
  ring.remove(ids[0] as NodeId);
  expect(ring.owner('x')).toBeUndefined();
});

test('owners depend on the members alone, not on the order or manner in which they came', () => {
  const a = ringOf(ids);
  const b = new Ring();
  for (const id of [...ids].reverse()) {
    b.add(id);
    b.owner('merge now');
  }
  b.remove(ids[3] as NodeId);
  b.add(ids[3] as NodeId);
  b.remove(ids[4] as NodeId);
  b.owner('merge now');
  b.add(ids[4] as NodeId);
  for (const key of keys) expect(b.owner(key)).toBe(a.owner(key));
});

test('a death moves only the keys of the dead, a join only those it takes', () => {
  const ring = ringOf(ids);
  const before = keys.map((key) => ring.owner(key));
  const gone = ids[17] as NodeId;
  ring.remove(gone);
  const after = keys.map((key) => ring.owner(key));
  before.forEach((owner, i) => {
    if (owner === gone) expect(after[i]).not.toBe(gone);
    else expect(after[i]).toBe(owner);
  });
  ring.add(gone);
  expect(keys.map((key) => ring.owner(key))).toEqual(before);
});

test('no member answers for much more than its share', () => {
  const ring = ringOf(ids);
  const counts = new Map<NodeId, number>();
  for (const key of keys) {
    const owner = ring.owner(key) as NodeId;
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  expect(Math.max(...counts.values())).toBeLessThan((5 * keys.length) / ids.length);
});
