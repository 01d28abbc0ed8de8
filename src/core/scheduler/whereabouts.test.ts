import { expect, test } from 'vitest';
import { Prng } from '../../lib/prng.ts';
import type { Affinity, Found, NameKey, NodeId, Request, Turn } from '../model/index.ts';
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
function sent(
  known: Readonly<Record<string, Found>>,
  filters: { readonly arches?: readonly string[]; readonly few?: readonly number[] } = {},
): {
  readonly among: readonly number[] | undefined;
  readonly unknown: readonly string[];
} {
  const turn = { nowMs: 0, random: new Prng(1), setTimer: () => undefined } as unknown as Turn;
  const options = {
    times: SCHEDULER_TIMES.sim,
    member: (id: NodeId) => ({ id, state: 'alive', class: 'low', arch: nodes.indexOf(id) % 10 === 0 ? 'arm64' : 'amd64', labels: {} }),
    lookUp: (turn: Turn, key: NameKey, done: (turn: Turn, found: Found) => void) =>
      done(turn, known[key.kind === 'label' ? key.key : ''] as Found),
  } as unknown as SchedulerOptions;
  const runs = new Runs(options, () => undefined);
  const request = {
    id: requestId('1'.repeat(32)),
    spec: '',
    class: 'low',
    arches: filters.arches ?? [],
    constraints: [],
    affinities: Object.keys(known).map(label),
  };
  const run = newRun(turn, request as unknown as Request, { companions: () => [] } as unknown as Owner, []);
  run.among = filters.few === undefined ? undefined : new Set(filters.few.map((i) => nodes[i] as NodeId));
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

test('filters: where they leave few, those of them; where more are told of than are asked, those that meet them', () => {
  const everywhere = { entries: all(0, 200), complete: true };
  expect(sent({ a: everywhere }, { few: [3, 4] }).among).toEqual([3, 4]);
  expect(sent({ a: { entries: at(4, 5), complete: true } }, { few: [3, 4] }).among).toEqual([4]);
  expect(sent({ a: { entries: [], complete: false } }, { few: [3, 4] })).toEqual({ among: [3, 4], unknown: ['a==yes'] });
  const tens = Array.from({ length: 20 }, (_, i) => i * 10);
  expect(sent({ a: everywhere }, { arches: ['arm64'] }).among).toEqual(tens);
  expect(sent({ a: { entries: at(5), complete: true } }, { arches: ['arm64'] }).among).toEqual([5]);
});
