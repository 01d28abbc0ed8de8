import { expect, test } from 'vitest';
import { parseTrialOptions } from './trial-options.ts';
import { trialName } from './trial-name.ts';

test('defaults', () => {
  expect(parseTrialOptions([])).toEqual({
    file: undefined,
    out: undefined,
    workload: 'edge',
    demand: { kind: 'ramp', pacePercent: 0.06 },
    nodes: 1_000,
    seeds: [1],
    contenders: ['caravela', 'oracle', 'central', 'probing'],
    loss: 0,
  });
});

test('seeds, contenders, and what belongs to a demand', () => {
  const options = parseTrialOptions(['--seeds', '101..103', '--contenders', 'oracle,central', '--demand', 'churn', '--session', '24']);
  expect(options.seeds).toEqual([101, 102, 103]);
  expect(options.contenders).toEqual(['oracle', 'central']);
  expect(options.demand).toEqual({ kind: 'churn', utilisationPercent: 70, sessionHours: 24, hours: 1, pacePercent: 0.3 });
  expect(parseTrialOptions(['--demand', 'burst', '--preload', '80', '--requests', '10']).demand).toEqual({
    kind: 'burst',
    preloadPercent: 80,
    requestsPercent: 10,
  });
  expect(parseTrialOptions(['--seeds', '7', '--demand', 'rates'])).toMatchObject({ seeds: [7], demand: { kind: 'rates' } });
});

test.each([
  [['--demand', 'flood'], '--demand is ramp, rates, burst or churn, got "flood"'],
  [['--preload', '50'], '--preload is not for --demand ramp'],
  [['--nodes', '1'], '--nodes needs a whole number from 2 to 131072, got "1"'],
  [['--seeds', '5..3'], '--seeds needs a whole number from 5'],
  [['--seeds', '1..2..3'], '--seeds needs a range such as 101..105'],
  [['--contenders', 'oracle,swarm'], '--contenders are of caravela, oracle, central, probing, got "swarm"'],
  [['--loss', '0.6'], '--loss needs a number from 0 to 0.5, got "0.6"'],
  [['--verbose'], "Unknown option '--verbose'"],
])('%j is refused in words', (argv, message) => {
  expect(() => parseTrialOptions(argv)).toThrow(message);
});

test('files are named after the trial', () => {
  const trial = { workload: 'edge', demand: 'burst 100% at 50%', nodes: 1_000, loss: 0.01 };
  expect(trialName(trial)).toBe('edge-burst-100-at-50-1000-loss-1');
  expect(trialName({ ...trial, loss: 0 })).toBe('edge-burst-100-at-50-1000');
});
