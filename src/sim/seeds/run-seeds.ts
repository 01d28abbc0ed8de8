import { expect, test } from 'vitest';
import { Node } from '../../core/node/node.ts';
import { FAULT_WEIGHTS } from '../faults/families.ts';
import { durationFor, nodesFor } from '../nodes-for.ts';
import { EXIT, exitCodeOf } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import { report } from '../report.ts';
import { simulate } from '../simulate.ts';

const SEEDS = 50;

export function runSeed(seed: number, durationMs = durationFor(nodesFor(seed))): Outcome {
  return simulate({ seed, nodes: nodesFor(seed), durationMs, loss: 0.01, createCore: (config, kept) => new Node(config, kept) });
}

/** A share of the seeds that every test run looks at; the shares run side by side. */
export function testSeeds(share: number): void {
  const first = 1 + share * SEEDS;
  test(`seeds ${first} to ${first + SEEDS - 1} keep every rule`, { timeout: 300_000 }, () => {
    console.log(`seeds ${first}..${first + SEEDS - 1}`);
    const outcomes = Array.from({ length: SEEDS }, (_, i) => runSeed(first + i));
    const bad = outcomes.filter((outcome) => exitCodeOf(outcome) !== EXIT.ok);
    expect(bad.map(report)).toEqual([]);

    // And they were worth it: faults of every kind, placements and refusals came up.
    const faults = new Set(outcomes.flatMap((outcome) => [...outcome.faults.keys()]));
    expect(faults.size).toBe(Object.keys(FAULT_WEIGHTS).length);
    expect(outcomes.reduce((sum, { measures }) => sum + measures.placed, 0)).toBeGreaterThan(3_000);
    expect(outcomes.reduce((sum, { measures }) => sum + (measures.refused.get('no-room') ?? 0), 0)).toBeGreaterThan(500);
  });
}
