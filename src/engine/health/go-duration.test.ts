import { expect, it } from 'vitest';
import { goDuration } from './go-duration.ts';

it.each([
  [0, '0s'],
  [50, '50ms'],
  [1_000, '1s'],
  [1_500, '1.5s'],
  [30_000, '30s'],
  [60_000, '1m0s'],
  [90_010, '1m30.01s'],
  [3_600_000, '1h0m0s'],
  [7_384_000, '2h3m4s'],
])('%i ms are %s', (spanMs, text) => {
  expect(goDuration(spanMs)).toBe(text);
});
