import { expect, it } from 'vitest';
import { hintRow } from './hint-row.ts';

it('says what a hint stands for', () => {
  const hint = { region: { class: 'high', cpuBucket: 2, memoryBucket: 3 }, countLevel: 4, splitLevel: 1, stamp: 100 } as const;
  expect(hintRow(hint, 130_500)).toEqual({
    ...hint,
    words: 'class high, 1 to 2 CPUs and 512 MiB to 1 GiB free',
    offers: 8,
    shards: 2,
    ageMs: 30_500,
  });
  const empty = { region: { class: 'low', cpuBucket: -2, memoryBucket: -4 }, countLevel: 0, splitLevel: 0, stamp: 100 } as const;
  expect(hintRow(empty, 0)).toMatchObject({
    words: 'class low, 0.063 to 0.125 CPUs and 4 MiB to 8 MiB free',
    offers: 0,
    shards: 1,
    ageMs: 0,
  });
});
