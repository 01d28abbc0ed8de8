import { expect, test } from 'vitest';
import { lastIncarnation } from './incarnation.ts';

const START_MS = 1_767_225_600_000;

test('the clock moves a life past incarnations that were never stored', () => {
  expect(lastIncarnation(7, START_MS + 90_500)).toBe(90);
});

test('what was stored counts where the clock is behind', () => {
  expect(lastIncarnation(7, START_MS - 1_000_000)).toBe(7);
  expect(lastIncarnation(7, 0)).toBe(7);
  expect(lastIncarnation(0, 0)).toBe(0);
});
