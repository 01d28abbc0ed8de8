import { expect, test } from 'vitest';
import { Node } from '../core/node/node.ts';
import type { Fault } from './faults/fault.ts';
import { EXIT, exitCodeOf } from './outcome.ts';
import { report } from './report.ts';
import { runSeed } from './seeds/run-seeds.ts';
import { JOINED_MS, simulate } from './simulate.ts';

test('one seed is one history', () => {
  const [first, again, other] = [runSeed(5, 15_000), runSeed(5, 15_000), runSeed(6, 15_000)];
  expect(again.traceHash).toBe(first.traceHash);
  expect(again.measures).toEqual(first.measures);
  expect(other.traceHash).not.toBe(first.traceHash);
});

test.each([1, 2, 3])('who joins while the power is cut at all others finds them once they are back, seed %d', (seed) => {
  const faults: readonly Fault[] = [
    { kind: 'power-cut', atMs: JOINED_MS + 1_000, forMs: 4_000, side: [0, 1, 2] },
    { kind: 'join', atMs: JOINED_MS + 2_000, forMs: 0, node: 3 },
  ];
  const outcome = simulate({ seed, nodes: 4, durationMs: 10_000, loss: 0, faults, createCore: (config, kept) => new Node(config, kept) });
  expect(exitCodeOf(outcome), report(outcome)).toBe(EXIT.ok);
});
