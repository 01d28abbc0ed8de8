import { expect, test } from 'vitest';
import type { Hint, Region } from '../model/index.ts';
import { regionKey } from '../model/index.ts';
import { Suppositions } from './suppositions.ts';
import { DISCOVERY } from './tunables.ts';

const region = (cpuBucket: number): Region => ({ class: 'low', cpuBucket, memoryBucket: 0 });
const hint = (cpuBucket: number, countLevel: number): Hint => ({ region: region(cpuBucket), countLevel, splitLevel: 2, stamp: 9 });

test('offers seen to move count on top of hints, for as long as hints may need', () => {
  const supposed = new Suppositions();
  const hints = [hint(1, 3), hint(2, 0)];
  const believed = (nowMs: number) =>
    supposed
      .over(hints, (key) => hints.find((known) => regionKey(known.region) === key), nowMs)
      .map((known) => [known.region.cpuBucket, known.countLevel, known.splitLevel]);
  expect(believed(0)).toEqual([
    [1, 3, 2],
    [2, 0, 2],
  ]);
  for (let i = 0; i < 4; i++) supposed.add(region(1), i);
  supposed.add(region(2), 0);
  for (let i = 0; i < 8; i++) supposed.add(region(3), i);
  expect(believed(10)).toEqual([
    [1, 4, 2],
    [2, 1, 2],
    [3, 4, 0],
  ]);
  expect(believed(3 + DISCOVERY.supposeMs)).toEqual([
    [1, 3, 2],
    [2, 0, 2],
    [3, 4, 0],
  ]);
  supposed.add(region(3), 60_000);
  expect(believed(60_000)).toEqual([
    [1, 3, 2],
    [2, 0, 2],
    [3, 1, 0],
  ]);
});
