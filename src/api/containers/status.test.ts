import { expect, it } from 'vitest';
import { durationText } from '../../lib/duration-text.ts';
import { exitCodeOfFailure } from './status.ts';

it.each([
  [0, 'Less than a second'],
  [1_500, '1 second'],
  [59_000, '59 seconds'],
  [61_000, 'About a minute'],
  [5 * 60_000, '5 minutes'],
  [65 * 60_000, 'About an hour'],
  [5 * 3_600_000, '5 hours'],
  [3 * 86_400_000, '3 days'],
  [21 * 86_400_000, '3 weeks'],
  [90 * 86_400_000, '3 months'],
  [800 * 86_400_000, '2 years'],
])('says %i ms in one unit', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

it('tells exit codes of failed starts as a shell would', () => {
  expect(exitCodeOfFailure('exec: "x": executable file not found in $PATH: unknown')).toBe(127);
  expect(exitCodeOfFailure('exec: "/etc": permission denied')).toBe(126);
  expect(exitCodeOfFailure('no cgroup')).toBe(128);
});
