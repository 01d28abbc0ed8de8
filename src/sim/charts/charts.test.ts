import { expect, test } from 'vitest';
import type { TrialResult } from '../workloads/trial-result.ts';
import { chartsOf } from './charts.ts';
import { draw } from './draw.ts';
import { spreadOf, spreadText } from './spread.ts';
import { asMarkdown, asText, comparison } from './table.ts';

const RESULT: TrialResult = {
  contender: 'caravela',
  workload: 'edge',
  demand: 'ramp',
  nodes: 1_000,
  seed: 101,
  loss: 0,
  virtualSeconds: 100,
  submitted: 1_000,
  placed: 950,
  refused: 50,
  feasibleRefused: 1,
  orphaned: 0,
  unanswered: 0,
  oversold: 0,
  lostWithNodes: 0,
  placedCpu: 0.9,
  placedMemory: 0.91,
  bands: [
    { fromPercent: 0, toPercent: 60, submitted: 600, placed: 600, feasibleRefused: 0, messagesPerRequest: 5 },
    { fromPercent: 60, toPercent: 105, submitted: 400, placed: 350, feasibleRefused: 1, messagesPerRequest: 9 },
  ],
  utilisationAtFirstRefusals: 0.955,
  utilisationBefore: { cpu: 0, memory: 0 },
  utilisationEnd: { cpu: 0.95, memory: 0.7 },
  series: [{ atSeconds: 0, demand: 0.7, cpu: 0.1, memory: 0.08, submitted: 9, placed: 9, refused: 0, messages: 40 }],
  placementMessages: 5,
  upkeepMessages: 1.25,
  nameMessages: 3,
  bytes: 600,
  refusedReserves: 0.004,
  hops: { mean: 4, p99: 9 },
  latencyMs: { mean: 200, p50: 190, p99: 400, max: 500 },
  latencyPercentilesMs: Array.from({ length: 101 }, (_, i) => 100 + i * 4),
  hottestPeak: 20,
  hottestMean: 0.5,
};
const OTHER_SEED: TrialResult = { ...RESULT, seed: 102, placed: 970, utilisationAtFirstRefusals: null, hottestPeak: 24 };
const ORACLE: TrialResult = { ...RESULT, contender: 'oracle', upkeepMessages: 0, orphaned: 2 };

test('mean and deviation of what is known', () => {
  expect(spreadOf([1, 3, null])).toEqual({ mean: 2, deviation: Math.SQRT2, count: 2 });
  expect(spreadOf([null])).toBeUndefined();
  const hundredths = (value: number) => value.toFixed(2);
  expect(spreadText({ mean: 2, deviation: 0.5, count: 2 }, hundredths)).toBe('2.00 ± 0.50');
  expect(spreadText({ mean: 2, deviation: 0.001, count: 2 }, hundredths)).toBe('2.00');
});

test('a table has a column per contender and a row per measure, none without figures', () => {
  const rows = comparison([RESULT, OTHER_SEED, ORACLE]);
  const row = (name: string) => rows.find(([first]) => first === name)?.slice(1);
  expect(rows[0]).toEqual(['', 'caravela', 'oracle']);
  expect(row('placed')).toEqual(['96.0 % ± 1.4 %', '95.0 %']);
  expect(row('placed at demand 60–105 %')).toEqual(['87.5 %', '87.5 %']);
  expect(row('utilisation at the first 1 % refused')).toEqual(['95.5 %', '95.5 %']);
  expect(row('messages per placement')).toEqual(['6.25', '5.00']);
  expect(row('refused though a node had room')).toEqual(['0.100 %', '0.100 %']);
  expect(row('orphaned: its own node failed')).toEqual(['0', '2']);
  expect(row('OVERSOLD')).toBeUndefined();
  expect(
    asMarkdown([
      ['', 'a'],
      ['x', '1'],
    ]),
  ).toBe('|  | a |\n| --- | ---: |\n| x | 1 |');
  expect(
    asText([
      ['', 'a'],
      ['xyz', '12'],
      ['x', '1'],
    ]),
  ).toBe('      a\nxyz  12\nx     1');
});

test('charts are drawn as SVG, with the contenders by name', async () => {
  const ramp = chartsOf([RESULT, OTHER_SEED, ORACLE]);
  expect(ramp.map(({ name }) => name)).toEqual(['bands', 'utilisation', 'messages']);
  for (const { spec } of ramp) {
    const svg = await draw(spec);
    expect(svg).toMatch(/^<svg /);
    expect(svg).toContain('oracle');
    expect(svg).toContain('edge, ramp, 1000 nodes, 2 seeds from 101');
    expect(svg).not.toContain('NaN');
  }
  const burst = chartsOf([{ ...RESULT, demand: 'burst 100% at 50%', bands: [], loss: 0.01 }]);
  expect(burst.map(({ name }) => name)).toEqual(['latency', 'messages']);
  expect(await draw(burst[0]?.spec as never)).toContain('1 % loss, seed 101');
  expect(chartsOf([])).toEqual([]);
});
