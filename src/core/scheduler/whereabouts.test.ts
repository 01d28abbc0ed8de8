import { expect, test } from 'vitest';
import { Prng } from '../../lib/prng.ts';
import type { Affinity, Found, NodeId, Request, Turn } from '../model/index.ts';
import { containerId, nodeId, requestId } from '../model/index.ts';
import { newRun } from './run.ts';
import type { Owner } from './run.ts';
import { Runs } from './runs.ts';
import type { SchedulerOptions } from './runs.ts';
import { SCHEDULER_TIMES } from './tunables.ts';
import { Whereabouts } from './whereabouts.ts';

const nodes = Array.from({ length: 200 }, (_, i) => nodeId(i.toString(16).padStart(32, '0')));
const label = (key: string): Affinity => ({ subject: 'label', key, operator: '==', value: 'yes', soft: false });
const at = (...ids: number[]): Found['entries'] =>
  ids.map((i) => ({ containerId: containerId(i.toString(16).padStart(64, '0')), name: `c${i}`, node: nodes[i] as NodeId, value: 'yes' }));
const all = (from: number, to: number): Found['entries'] => at(...Array.from({ length: to - from }, (_, i) => from + i));

/** Where it is looked for, and what could not be told, when the directory says this of its labels. */
function sent(known: Readonly<Record<string, Found>>): {
  readonly among: readonly number[] | undefined;
  readonly unknown: readonly string[];
} {
  const turn = { nowMs: 0, random: new Prng(1), setTimer: () => undefined } as unknown as Turn;
  const options = {
    times: SCHEDULER_TIMES.sim,
    lookUp: (turn, key, done) => done(turn, known[key.kind === 'label' ? key.key : ''] as Found),
  } as SchedulerOptions;
  const runs = new Runs(options, () => undefined);
  const request = { id: requestId('1'.repeat(32)), spec: '', constraints: [], affinities: Object.keys(known).map(label) };
  const run = newRun(turn, request as unknown as Request, { companions: () => [] } as unknown as Owner, []);
  runs.add(run);
  new Whereabouts(runs, () => undefined).begin(turn, run);
  const among = run.among === undefined ? undefined : [...run.among].map((id) => nodes.indexOf(id)).sort((a, b) => a - b);
  return { among, unknown: run.unknown };
}

test('several affinities: the nodes that meet all, at most 64 of them', () => {
  expect(sent({ a: { entries: at(1, 2, 3), complete: true }, b: { entries: at(2, 3, 4), complete: true } }).among).toEqual([2, 3]);
  expect(sent({ a: { entries: at(1), complete: true }, b: { entries: [], complete: true } }).among).toEqual([]);
  expect(sent({ a: { entries: all(0, 200), complete: true }, b: { entries: at(199), complete: true } }).among).toEqual([199]);
  expect(sent({ a: { entries: all(0, 200), complete: true } }).among).toHaveLength(64);
});

test('a list that may lack some rules nobody out that a whole one has', () => {
  const some = { entries: all(0, 100), complete: false };
  expect(sent({ a: some, b: { entries: at(50, 150), complete: true } }).among).toEqual([50]);
  expect(sent({ a: some, b: { entries: at(150), complete: true } }).among).toEqual([150]);
  expect(sent({ a: { entries: at(5, 6), complete: false }, b: { entries: at(6, 7), complete: false } }).among).toEqual([6]);
  expect(sent({ a: { entries: [], complete: false }, b: { entries: at(7), complete: true } })).toEqual({ among: [7], unknown: ['a==yes'] });
  const apart = sent({ a: { entries: at(5), complete: false }, b: { entries: at(7), complete: false } });
  expect(apart).toEqual({ among: undefined, unknown: ['a==yes', 'b==yes'] });
});
