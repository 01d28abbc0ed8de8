import { expect, test } from 'vitest';
import type { Hint } from '../model/index.ts';
import { countOf, levelOf } from './hint-level.ts';
import { HintTable } from './hint-table.ts';
import { DISCOVERY } from './tunables.ts';

const hint = (cpuBucket: number, stamp: number, countLevel = 1): Hint => ({
  region: { class: 'low', cpuBucket, memoryBucket: 0 },
  countLevel,
  splitLevel: 0,
  stamp,
});

test('newest stamp wins; rows of one second end alike everywhere', () => {
  const [a, b] = [new HintTable(() => 9), new HintTable(() => 9)];
  expect(a.merge([hint(0, 5), hint(1, 5)])).toHaveLength(2);
  expect(a.merge([hint(0, 4, 3)])).toEqual([]);
  expect(a.merge([hint(0, 6, 3)])).toHaveLength(1);
  a.merge([hint(2, 7, 1), hint(2, 7, 4)]);
  b.merge([hint(2, 7, 4), hint(2, 7, 1)]);
  expect(a.get(hint(2, 0).region)).toEqual(b.get(hint(2, 0).region));
});

test('its own trader outdoes any clock; nonsense is not taken in', () => {
  const table = new HintTable(() => 9);
  table.merge([hint(0, 9_000_000_000, 3)]);
  table.write(hint(0, 0).region, 0, 0, 1_000);
  expect(table.get(hint(0, 0).region)).toMatchObject({ countLevel: 0, stamp: 9_000_000_001 });
  expect(table.merge([hint(99, 1), hint(1, 2 ** 52), hint(1, 1, 99), { ...hint(1, 1), splitLevel: 11 }])).toEqual([]);
});

test('news rides a few times, then rows rotate', () => {
  const table = new HintTable(() => 9);
  table.merge(Array.from({ length: 10 }, (_, i) => hint(i, 1)));
  for (let i = 0; i < 3; i++) expect(table.take(10)).toHaveLength(10);
  const seen = new Set<number>();
  for (let i = 0; i < 5; i++) {
    const rows = table.take(8);
    expect(rows).toHaveLength(2);
    for (const row of rows) seen.add(row.region.cpuBucket);
  }
  expect(seen.size).toBe(10);
});

test('levels stand for counts, within a factor of the square root of two', () => {
  expect([0, 1, 2, 4, 64].map(levelOf)).toEqual([0, 1, 2, 3, 7]);
  for (let count = 1; count < 3000; count++) {
    const ratio = countOf(levelOf(count)) / count;
    expect(ratio).toBeGreaterThan(0.7);
    expect(ratio).toBeLessThan(1.42);
  }
});

test('what this node saw is believed for a while where no hint says anything, and told to nobody', () => {
  const table = new HintTable(() => 9);
  table.merge([hint(0, 5, 0), hint(1, 5, 3)]);
  while (table.take(10).length > 2);
  for (const cpu of [0, 1, 2]) table.suppose(hint(cpu, 0).region, 1_000);
  const levels = (nowMs: number) => table.believed(nowMs).map(({ region, countLevel }) => [region.cpuBucket, countLevel]);
  expect(levels(1_000)).toEqual([
    [0, 1],
    [1, 3],
    [2, 1],
  ]);
  expect(table.all()).toHaveLength(2);
  expect(new Set(table.take(10).map(({ countLevel }) => countLevel))).toEqual(new Set([0, 3]));
  table.merge([hint(2, 6, 0)]);
  expect(levels(1_000 + DISCOVERY.supposeMs)).toEqual([
    [0, 0],
    [1, 3],
    [2, 0],
  ]);
});
