import { expect, test } from 'vitest';
import { MIB, NO_RESOURCES } from '../../core/model/index.ts';
import { Oracle } from '../baselines/oracle.ts';
import { Probing } from '../baselines/probing.ts';
import { Schedule } from '../schedule.ts';
import type { Ask, Contender, Outcome } from './contender.ts';
import type { Demand } from './demand.ts';
import { runTrial } from './trial.ts';
import type { TrialSetup } from './trial.ts';
import type { Workload } from './workload.ts';

const WORKLOAD: Workload = {
  name: 'two kinds',
  nodes: undefined,
  population: [
    { percent: 50, of: { class: 'low', capacity: { cpuMillicores: 4_000, memoryBytes: 4_096 * MIB } } },
    { percent: 50, of: { class: 'high', capacity: { cpuMillicores: 8_000, memoryBytes: 4_096 * MIB } } },
  ],
  profiles: [
    { percent: 70, of: { class: 'low', resources: { cpuMillicores: 500, memoryBytes: 256 * MIB } } },
    { percent: 30, of: { class: 'high', resources: { cpuMillicores: 1_000, memoryBytes: 256 * MIB } } },
  ],
  rates: { ticks: 4, tickSeconds: 20, deploy: [2, 1], stop: [0.5] },
};

const setup = (demand: Demand, nodes = 60, seed = 11): TrialSetup => ({ workload: WORKLOAD, demand, nodes, seed, loss: 0 });
const RAMP: Demand = { kind: 'ramp', pacePercent: 5 };
const CHURN: Demand = { kind: 'churn', utilisationPercent: 70, sessionHours: 0.5, hours: 0.5, pacePercent: 2 };

test('a ramp asks for 105 % and sorts requests into bands', () => {
  const result = runTrial(setup(RAMP), (s) => new Oracle(s));
  expect(result.bands.map(({ toPercent }) => toPercent)).toEqual([60, 80, 90, 95, 98, 105]);
  expect(result.bands.reduce((sum, { submitted }) => sum + submitted, 0)).toBe(result.submitted);
  expect(result.bands.reduce((sum, { placed }) => sum + placed, 0)).toBe(result.placed);
  expect(result.placed + result.refused).toBe(result.submitted);
  expect(result.bands[0]).toMatchObject({ fromPercent: 0, placed: result.bands[0]?.submitted });
  expect(result.series.at(-1)?.demand).toBeGreaterThan(1);
  expect(result.utilisationEnd.cpu).toBeGreaterThan(0.8);
  expect(result).toMatchObject({ feasibleRefused: 0, oversold: 0, unanswered: 0, orphaned: 0, hops: { p99: 2 } });
  expect(result.latencyPercentilesMs).toHaveLength(101);
});

test('the same setup gives the same result, another seed another', () => {
  const run = (seed: number) => JSON.stringify(runTrial(setup(CHURN, 40, seed), (s) => new Probing(s)));
  expect(run(5)).toBe(run(5));
  expect(run(6)).not.toBe(run(5));
});

test('every contender is asked the same', () => {
  const asked = (create: (record: Ask[]) => (s: ConstructorParameters<typeof Oracle>[0]) => Contender) => {
    const record: Ask[] = [];
    runTrial(setup(RAMP), create(record));
    return record;
  };
  const listening = <T extends Contender>(contender: T, record: Ask[]): T => {
    const submit = contender.submit.bind(contender);
    contender.submit = (ask, done) => {
      record.push(ask);
      submit(ask, done);
    };
    return contender;
  };
  const byOracle = asked((record) => (s) => listening(new Oracle(s), record));
  expect(byOracle.length).toBeGreaterThan(100);
  expect(asked((record) => (s) => listening(new Probing(s), record))).toEqual(byOracle);
});

test('rates: so many percent of the nodes in each tick, parts of one carried on', () => {
  // 2 % of 60 nodes in two ticks, then 1 % in two: 1.2, 2.4, 3.0, 3.6.
  const result = runTrial(setup({ kind: 'rates' }), (s) => new Oracle(s));
  expect(result.submitted).toBe(3);
  expect(runTrial(setup({ kind: 'rates' }, 1_000), (s) => new Oracle(s)).submitted).toBe(60);
  const none = { ...setup({ kind: 'rates' }), workload: { ...WORKLOAD, rates: undefined } };
  expect(() => runTrial(none, (s) => new Oracle(s))).toThrow('workload two kinds has no rates of its own');
});

test('a burst counts only itself, from the utilisation it was told to start at', () => {
  const result = runTrial(setup({ kind: 'burst', preloadPercent: 50, requestsPercent: 50 }, 100), (s) => new Oracle(s));
  expect(result).toMatchObject({ submitted: 50, placed: 50, demand: 'burst 50% at 50%', placementMessages: expect.closeTo(2, 0) });
  expect(Math.max(result.utilisationBefore.cpu, result.utilisationBefore.memory)).toBeCloseTo(0.5, 1);
});

test('churn: nodes fail with what is on them and come back; utilisation stays', () => {
  const result = runTrial(setup(CHURN, 100), (s) => new Oracle(s));
  expect(result.lostWithNodes).toBeGreaterThan(50);
  expect(Math.max(result.utilisationEnd.cpu, result.utilisationEnd.memory)).toBeCloseTo(0.7, 1);
  expect(result).toMatchObject({ oversold: 0, unanswered: 0, feasibleRefused: 0 });
});

test('an ask that is never answered is counted as that', () => {
  class Mute implements Contender {
    readonly name = 'mute';
    readonly schedule = new Schedule(1_000);
    readonly traffic = { placement: 0, upkeep: 0, refusedReserves: 0, bytes: 0, hottestPeak: 0, hottestMean: 0 };
    submit(_ask: Ask, _done: (outcome: Outcome) => void): void {}
    stop(): void {}
    fail(): void {}
    join(): void {}
    used = () => NO_RESOURCES;
    capacity = () => ({ cpuMillicores: 1_000, memoryBytes: MIB });
    fitsSomewhere = () => true;
  }
  const result = runTrial(setup({ kind: 'rates' }), () => new Mute());
  expect(result).toMatchObject({ submitted: 3, placed: 0, refused: 0, unanswered: 3 });
});
