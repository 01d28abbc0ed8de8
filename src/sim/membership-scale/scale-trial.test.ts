import { expect, test } from 'vitest';
import { scaleTrial } from './scale-trial.ts';

test('an instance with churn: bytes are counted, deaths, joins and hints reach everybody', () => {
  const options = { seed: 4, nodes: 60, profile: 'lan', loss: 0.01, sessionMs: 600_000, windowMs: 30_000, regions: 20 } as const;
  const trial = scaleTrial(options);
  expect(trial.udp).toBeCloseTo(trial.probing + trial.gossip + trial.hints, 6);
  expect(trial.probing).toBeGreaterThan(300);
  expect(trial.udp).toBeLessThan(3_000);
  expect(trial.udpMost).toBeGreaterThan(trial.udp);
  for (const { count, open, p50, p99 } of [trial.deaths, trial.joins, trial.rows]) {
    expect(count).toBeGreaterThan(0);
    expect(open).toBe(0);
    expect(p99).toBeGreaterThanOrEqual(p50);
  }
  expect(trial.deaths.p50).toBeGreaterThan(2_000);
  expect(trial.falseDeaths).toBe(0);
  expect(scaleTrial(options)).toEqual(trial);
});
