import { expect, test } from 'vitest';
import { Node } from '../core/node/node.ts';
import { nodesFor } from './nodes-for.ts';
import { EXIT, exitCodeOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { report } from './report.ts';
import { simulate } from './simulate.ts';

const FIRST_SEED = 1;
const SEEDS = 100;

function run(seed: number, durationMs = 45_000): Outcome {
  return simulate({ seed, nodes: nodesFor(seed), durationMs, loss: 0.01, createCore: (config, kept) => new Node(config, kept) });
}

test('one seed is one history', () => {
  const [first, again, other] = [run(5, 15_000), run(5, 15_000), run(6, 15_000)];
  expect(again.traceHash).toBe(first.traceHash);
  expect(again.measures).toEqual(first.measures);
  expect(other.traceHash).not.toBe(first.traceHash);
});

test(`${SEEDS} seeds keep every rule`, { timeout: 300_000 }, () => {
  console.log(`seeds ${FIRST_SEED}..${FIRST_SEED + SEEDS - 1}`);
  const outcomes = Array.from({ length: SEEDS }, (_, i) => run(FIRST_SEED + i));
  const bad = outcomes.filter((outcome) => exitCodeOf(outcome) !== EXIT.ok);
  expect(bad.map(report)).toEqual([]);

  // And they were worth it: faults of every kind, placements and refusals came up.
  const faults = new Set(outcomes.flatMap((outcome) => [...outcome.faults.keys()]));
  expect(faults.size).toBe(12);
  expect(outcomes.reduce((sum, { measures }) => sum + measures.placed, 0)).toBeGreaterThan(5_000);
  expect(outcomes.reduce((sum, { measures }) => sum + (measures.refused.get('no-room') ?? 0), 0)).toBeGreaterThan(500);
});
