import { expect, test } from 'vitest';
import { runSeed } from './seeds/run-seeds.ts';

test('one seed is one history', () => {
  const [first, again, other] = [runSeed(5, 15_000), runSeed(5, 15_000), runSeed(6, 15_000)];
  expect(again.traceHash).toBe(first.traceHash);
  expect(again.measures).toEqual(first.measures);
  expect(other.traceHash).not.toBe(first.traceHash);
});
