import { expect, test } from 'vitest';
import { parseOptions } from './options.ts';

const draw = () => 77;

test('defaults', () => {
  expect(parseOptions([], draw)).toEqual({ seeds: [77], nodes: undefined, durationMs: undefined, loss: 0.01, verbose: false });
});

test('all of them', () => {
  expect(parseOptions(['--seed', '5', '--nodes', '20', '--duration', '1.5', '--loss', '0.2', '--verbose'], draw)).toEqual({
    seeds: [5],
    nodes: 20,
    durationMs: 1_500,
    loss: 0.2,
    verbose: true,
  });
  expect(parseOptions(['--seeds', '3..6'], draw).seeds).toEqual([3, 4, 5, 6]);
});

test.each([
  [['--nodes', '1'], '--nodes needs a whole number from 2 to 256, got "1"'],
  [['--nodes', '2.5'], '--nodes needs a whole number'],
  [['--loss', 'much'], '--loss needs a number from 0 to 0.9, got "much"'],
  [['--seed', ''], '--seed needs a whole number'],
  [['--seeds', '9..3'], '--seeds needs a whole number from 9'],
  [['--seeds', '9'], '--seeds needs a range such as 1..100'],
  [['--speed', '9'], "Unknown option '--speed'"],
])('%j is refused in words', (argv, message) => {
  expect(() => parseOptions(argv, draw)).toThrow(message);
});
