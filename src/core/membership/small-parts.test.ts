import { describe, expect, it } from 'vitest';
import { Prng } from '../../lib/prng.ts';
import type { MemberRecord, NodeId } from '../model/index.ts';
import { LocalHealth } from './local-health.ts';
import { MemberTable } from './member-table.ts';
import { pickSome } from './probe.ts';
import { RandomRounds } from './random-rounds.ts';
import { BUCKETS, SyncBuckets, bucketOf } from './sync-buckets.ts';

const idOf = (n: number): NodeId => n.toString(16).padStart(32, '0') as NodeId;
const recordOf = (n: number): MemberRecord => ({ id: idOf(n), incarnation: 1 }) as MemberRecord;

describe('RandomRounds', () => {
  it('visits each live member once a round, in changing order, newcomers in the same round', () => {
    const random = new Prng(7);
    const table = new MemberTable(recordOf(0));
    for (let n = 1; n <= 6; n++) table.add(recordOf(n), 0);
    const order = new RandomRounds(table);
    const round = (length: number) => Array.from({ length }, () => order.next(random)?.id);
    const [first, second] = [round(6), round(6)];
    expect(new Set(first)).toEqual(new Set([1, 2, 3, 4, 5, 6].map(idOf)));
    expect(new Set(second)).toEqual(new Set(first));
    expect(second).not.toEqual(first);
    const started = order.next(random)?.id;
    const added = table.add(recordOf(7), 0);
    if (added !== undefined) order.insert(random, added);
    const gone = [1, 2, 3, 4, 5, 6].map(idOf).find((id) => id !== started) as NodeId;
    table.merge(gone, { claim: { incarnation: 1, state: 'dead' } }, 0);
    const rest = round(5);
    expect(rest).toContain(idOf(7));
    expect(rest).not.toContain(gone);
    expect(new Set([...rest, started]).size).toBe(6);
  });

  it('has nobody where this node is alone', () => {
    expect(new RandomRounds(new MemberTable(recordOf(0))).next(new Prng(1))).toBeUndefined();
  });
});

describe('SyncBuckets', () => {
  it('differs in just the buckets of members that differ, whatever the order of changes', () => {
    const one = new SyncBuckets();
    const other = new SyncBuckets();
    const a = 'a0'.repeat(16) as NodeId;
    const b = '0b'.repeat(16) as NodeId;
    one.toggle(a, 1);
    one.toggle(b, 1);
    other.toggle(b, 1);
    other.toggle(a, 1);
    expect(one.differing(other.values())).toEqual([]);
    other.toggle(a, 1);
    other.toggle(a, 2);
    expect(one.differing(other.values())).toEqual([bucketOf(a)]);
    expect(one.differing([])).toHaveLength(BUCKETS);
  });
});

describe('LocalHealth', () => {
  it('stays within its bounds and scales', () => {
    const health = new LocalHealth(3);
    health.worsen(-1);
    expect(health.scale(100)).toBe(100);
    health.worsen(9);
    expect(health.scale(100)).toBe(400);
    health.worsen(-1);
    expect(health.score).toBe(2);
  });
});

describe('pickSome', () => {
  it('picks distinct qualifying items, all of them where few are', () => {
    const random = new Prng(3);
    const many = Array.from({ length: 100 }, (_, n) => n);
    const picked = pickSome(random, many, 3, (n) => n % 2 === 0);
    expect(new Set(picked).size).toBe(3);
    expect(picked.every((n) => n % 2 === 0)).toBe(true);
    expect(new Set(pickSome(random, [1, 2, 3], 3, (n) => n !== 2))).toEqual(new Set([1, 3]));
    expect(pickSome(random, many, 3, () => false)).toEqual([]);
  });
});
