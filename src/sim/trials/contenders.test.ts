import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Demand } from '../workloads/demand.ts';
import { parseWorkloads } from '../workloads/parse-workloads.ts';
import { runTrial } from '../workloads/trial.ts';
import type { Workload } from '../workloads/workload.ts';
import { CONTENDERS, CONTENDER_NAMES } from './contenders.ts';

const EDGE = parseWorkloads(readFileSync(new URL('../../../bench/workloads/caravela.json', import.meta.url), 'utf8')).get(
  'edge',
) as Workload;

/** Nodes stay for six minutes: some fail while they ask, hold or have just been asked. */
const CHURN: Demand = { kind: 'churn', utilisationPercent: 70, sessionHours: 0.1, hours: 0.15, pacePercent: 4 };
const BURST: Demand = { kind: 'burst', preloadPercent: 50, requestsPercent: 100 };

test.each(CONTENDER_NAMES)('%s: nothing is lost or oversold while nodes come and go and packets are lost', (name) => {
  const seed = 12;
  const result = runTrial({ workload: EDGE, demand: CHURN, nodes: 80, seed, loss: 0.03 }, CONTENDERS[name]);
  expect(result).toMatchObject({ contender: name, seed, unanswered: 0, oversold: 0 });
  expect(result.placed / result.submitted).toBeGreaterThan(0.97);
  expect(result.lostWithNodes).toBeGreaterThan(40);
  expect(result.utilisationEnd.cpu).toBeGreaterThan(0.6);
  expect(result.utilisationEnd.cpu).toBeLessThan(0.75);
});

test('ours places a burst at half load, the same way from the same seed', () => {
  const run = () => runTrial({ workload: EDGE, demand: BURST, nodes: 80, seed: 13, loss: 0 }, CONTENDERS.caravela);
  const result = run();
  expect(result).toMatchObject({ submitted: 80, unanswered: 0, oversold: 0 });
  expect(result.placed).toBeGreaterThanOrEqual(76);
  expect(JSON.stringify(run())).toBe(JSON.stringify(result));
});
