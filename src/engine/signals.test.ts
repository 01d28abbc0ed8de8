import { expect, it } from 'vitest';
import { signalNumber } from './signals.ts';

it.each([
  ['SIGTERM', 15],
  ['term', 15],
  ['9', 9],
  ['RTMIN+3', 37],
  ['SIGRTMAX-1', 63],
  ['0', undefined],
  ['65', undefined],
  ['RTMIN+31', undefined],
  ['SIGNONE', undefined],
  ['', undefined],
])('%s is %s', (name, number) => {
  expect(signalNumber(name)).toBe(number);
});
