import { expect, test } from 'vitest';
import { Prng } from '../../lib/prng.ts';
import { MIB, nodeId, regionKey, requestId } from '../model/index.ts';
import type { CpuClass, Hint, Need } from '../model/index.ts';
import { bucketsOf, fitShare, isRegion, regionOf, shardOf } from './region.ts';
import { isSafeSomewhere, nextQuery } from './route.ts';
import type { FindState } from './route.ts';
import { DISCOVERY } from './tunables.ts';

const random = new Prng(11);
const mean = { cpuMillicores: 4000, memoryBytes: 4096 * MIB };
const need: Need = {
  requestId: requestId('1'.repeat(32)),
  attempt: 1,
  buyer: nodeId('a'.repeat(32)),
  resources: { cpuMillicores: 1000, memoryBytes: 256 * MIB },
  class: 'low',
  arches: [],
  constraints: [],
  affinities: [],
  hostPorts: [],
  vnis: [],
  exclude: [],
  policy: 'binpack',
  specDigest: '0'.repeat(16),
};
const hint = (cpuBucket: number, memoryBucket: number, countLevel: number, splitLevel = 0, of: CpuClass = 'low'): Hint => ({
  region: { class: of, cpuBucket, memoryBucket },
  countLevel,
  splitLevel,
  stamp: 1,
});
const state: FindState = { asked: 0, used: [], escalate: false };
const ask = (hints: readonly Hint[], change: Partial<FindState> = {}, members = 1000) =>
  nextQuery(need, { ...state, ...change }, { hints, mean, members }, random)?.region;

test('regions: octaves of 250 m and 64 MiB, clamped below, none where nothing is free', () => {
  const of = (cpuMillicores: number, mib: number) => regionOf('low', { cpuMillicores, memoryBytes: mib * MIB });
  expect(of(1000, 256)).toEqual({ class: 'low', cpuBucket: 2, memoryBucket: 2 });
  expect(of(1999, 511)).toEqual({ class: 'low', cpuBucket: 2, memoryBucket: 2 });
  expect(of(10, 1)).toEqual({ class: 'low', cpuBucket: -2, memoryBucket: -4 });
  expect(of(0, 256)).toBeUndefined();
  expect(of(1000, 0)).toBeUndefined();
  expect(bucketsOf({ cpuMillicores: 0, memoryBytes: 0 })).toEqual({ cpu: -2, memory: -4 });
  expect(isRegion({ class: 'low', cpuBucket: 99, memoryBucket: 0 })).toBe(false);
});

test('share of a region that fits: all of it above the need, little of it at its edge', () => {
  expect(fitShare({ class: 'low', cpuBucket: 3, memoryBucket: 3 }, need.resources)).toBe(1);
  expect(fitShare({ class: 'low', cpuBucket: 2, memoryBucket: 2 }, { cpuMillicores: 1900, memoryBytes: 256 * MIB })).toBeCloseTo(0.074);
});

test('shards: a split moves about half, to the twin', () => {
  const ids = Array.from({ length: 400 }, () => nodeId(random.hex(16)));
  let moved = 0;
  for (const id of ids) {
    const [before, after] = [shardOf(id, 2), shardOf(id, 3)];
    expect([before, before + 4]).toContain(after);
    if (before !== after) moved++;
  }
  expect(moved).toBeGreaterThan(150);
  expect(moved).toBeLessThan(250);
});

test('the first query goes to the tightest region that likely has one', () => {
  const tight = hint(2, 2, 6);
  const roomy = hint(4, 4, 6);
  expect(ask([roomy, tight])).toEqual(tight.region);
  // One offer in a large instance is not worth a query that insists on 0.5; in a small one it is.
  const one = hint(2, 2, 1);
  expect(ask([roomy, one])).toEqual(roomy.region);
  expect(ask([roomy, one], {}, 10)).toEqual(one.region);
});

test('too small, too low a class, empty: never asked', () => {
  expect(ask([hint(1, 4, 9), hint(4, 1, 9), hint(4, 4, 0)])).toBeUndefined();
  const high = { ...need, class: 'high' } as const;
  expect(nextQuery(high, state, { hints: [hint(4, 4, 9)], mean, members: 9 }, random)).toBeUndefined();
  expect(nextQuery(high, state, { hints: [hint(4, 4, 9, 0, 'high')], mean, members: 9 }, random)?.region.class).toBe('high');
});

test('eight queries; a region is asked as often as it has shards, at most three times', () => {
  const unsplit = hint(4, 4, 8);
  const key = regionKey(unsplit.region);
  expect(ask([unsplit], { asked: 1, used: [key] })).toBeUndefined();
  const split = hint(4, 4, 8, 4);
  expect(ask([split], { asked: 2, used: [key, key] })).toEqual(split.region);
  expect(ask([split], { asked: 3, used: [key, key, key] })).toBeUndefined();
  expect(ask([split], { asked: DISCOVERY.queries })).toBeUndefined();
});

test('the second and the fourth query go to a safe region, weighted by count; a higher class only where it must be', () => {
  const unlikely = hint(2, 2, 1);
  const safe = hint(5, 5, 8);
  const high = hint(5, 5, 12, 0, 'high');
  for (let i = 0; i < 50; i++) {
    const region = ask([unlikely, safe, high], { asked: 3 });
    expect([safe.region, high.region]).toContainEqual(region);
  }
  const counts = new Map<number, number>();
  const [few, many] = [hint(5, 5, 6), hint(6, 6, 9)];
  for (let i = 0; i < 500; i++) {
    const region = ask([few, many], { asked: 1 });
    counts.set(region?.cpuBucket ?? 0, (counts.get(region?.cpuBucket ?? 0) ?? 0) + 1);
  }
  expect(counts.get(6) ?? 0).toBeGreaterThan(5 * (counts.get(5) ?? 0));
});

test('a region where only a part may fit is never safe, however many offers it has', () => {
  const half = { ...need, resources: { cpuMillicores: 1_400, memoryBytes: 256 * MIB } };
  const view = (hints: readonly Hint[]) => ({ hints, mean, members: 1000 });
  expect(isSafeSomewhere(half, view([hint(2, 2, 9)]))).toBe(false);
  expect(isSafeSomewhere(half, view([hint(2, 2, 9), hint(3, 2, 4)]))).toBe(true);
  expect(nextQuery(half, state, view([hint(2, 2, 9), hint(3, 2, 4)]), random)?.region.cpuBucket).toBe(2);
  expect(nextQuery(half, { ...state, asked: 1 }, view([hint(2, 2, 9), hint(3, 2, 4)]), random)?.region.cpuBucket).toBe(3);
});
