import { expect, test } from 'vitest';
import { LIMITS, MIB, containerId, requestId } from '../model/index.ts';
import type { Affinity, CoreError, Group, Request, Stack } from '../model/index.ts';
import { bySize, unitsOf } from './units.ts';
import type { Unit } from './units.ts';

let count = 0;
function part(change: Partial<Request> = {}, cpuMillicores = 100): Request {
  const n = (++count).toString(16);
  return {
    id: requestId(n.padStart(32, '0')),
    containerId: containerId(n.padStart(64, '0')),
    name: `part-${n}`,
    resources: { cpuMillicores, memoryBytes: MIB },
    class: 'low',
    arches: [],
    constraints: [],
    affinities: [],
    hostPorts: [],
    vnis: [],
    labels: {},
    image: '',
    policy: 'binpack',
    restart: { name: 'no', maximumRetries: 0 },
    autoRemove: false,
    stopSignal: 'TERM',
    stopTimeoutMs: 1_000,
    spec: '{}',
    ...change,
  };
}

const GROUPS: readonly Group[] = [
  { name: 'pod', policy: 'co-location' },
  { name: 'apart', policy: 'spread' },
];
const stackOf = (...parts: readonly (readonly [Request, string?])[]): Stack => ({
  id: requestId('f'.repeat(32)),
  groups: GROUPS,
  parts: parts.map(([request, group]) => ({ request, group })),
});
const units = (stack: Stack): readonly Unit[] => unitsOf(stack, 0) as readonly Unit[];
const problem = (stack: Stack): string => (unitsOf(stack, 0) as CoreError).message;
const affinity = (operator: '==' | '!=', value: string, soft = false): Affinity => ({
  subject: 'container',
  key: '',
  operator,
  value,
  soft,
});

test('a co-location group is one unit at its first part’s place; everybody else is one of their own', () => {
  const [a, b, c, d] = [part({ name: 'a' }), part({ name: 'b' }), part({ name: 'c' }), part({ name: 'd' })];
  const found = units(stackOf([a], [b, 'pod'], [c, 'apart'], [d, 'pod']));
  expect(found.map(({ parts }) => parts.map(({ name }) => name))).toEqual([['a'], ['b', 'd'], ['c']]);
  expect(found[1]?.hold).toMatchObject({ hold: b.id, parts: [{ requestId: b.id }, { requestId: d.id }] });
  expect(found[1]?.wanted.resources).toEqual({ cpuMillicores: 200, memoryBytes: 2 * MIB });
});

test('a group wants what suits each of its parts', () => {
  const zone = { key: 'zone', operator: '==', value: 'eu', soft: false } as const;
  const first = part({ arches: ['amd64', 'arm64'], constraints: [zone], policy: 'spread' });
  const second = part({ class: 'high', arches: ['arm64', 'riscv64'], constraints: [zone, { ...zone, key: 'disk' }] });
  const [unit] = units(stackOf([first, 'pod'], [second, 'pod'], [part(), 'pod']));
  expect(unit?.wanted).toMatchObject({ class: 'high', arches: ['arm64'], policy: 'spread' });
  expect(unit?.wanted.constraints).toEqual([zone, { ...zone, key: 'disk' }]);
});

test('affinities inside a group are settled by it, or can’t be', () => {
  const [web, db] = [part({ name: 'web' }), part({ name: 'db', affinities: [affinity('==', 'web'), affinity('==', 'elsewhere')] })];
  expect(units(stackOf([web, 'pod'], [db, 'pod']))[0]?.wanted.affinities).toEqual([affinity('==', 'elsewhere')]);
  const loner = part({ name: 'loner', affinities: [affinity('!=', 'w*')] });
  expect(problem(stackOf([loner, 'pod'], [web, 'pod']))).toBe(
    "the containers of group pod can't be on one node: loner wants container!=w*, and web is that",
  );
  const shy = part({ affinities: [affinity('!=', 'w*', true)] });
  expect(units(stackOf([shy, 'pod'], [web, 'pod']))[0]?.wanted.affinities).toEqual([]);
});

test('a unit comes after the earlier ones that its affinities speak of', () => {
  const [web, db] = [part({ name: 'web' }), part({ name: 'db', affinities: [affinity('==', 'web')] })];
  const cache = part({ name: 'cache', affinities: [affinity('!=', 'd*'), affinity('!=', 'w*')] });
  expect(units(stackOf([web], [db], [cache])).map(({ after }) => after)).toEqual([[], [0], [0, 1]]);
  expect(units(stackOf([cache], [db], [web])).map(({ after }) => after)).toEqual([[], [], []]);
});

test('what contradicts itself is told', () => {
  const key = (key: string, operator: '==' | '!=', value: string): Partial<Request> => ({
    constraints: [{ key, operator, value, soft: false }],
  });
  const both = (a: Partial<Request>, b: Partial<Request>): Unit | undefined | string => {
    const found = unitsOf(stackOf([part(a), 'pod'], [part(b), 'pod']), 0);
    return 'code' in found ? found.message : found[0];
  };
  expect(both(key('zone', '==', 'eu'), key('zone', '!=', 'eu'))).toContain('zone==eu and zone!=eu exclude each other');
  expect(both(key('zone', '==', 'eu'), key('zone', '==', 'us'))).toContain('exclude each other');
  expect(both(key('zone', '==', 'e*'), key('zone', '==', 'eu'))).toBeTypeOf('object');
  expect(both(key('zone', '!=', 'eu'), key('zone', '!=', 'us'))).toBeTypeOf('object');
  expect(both(key('node', '==', 'n1'), key('node', '==', 'ab12'))).toBeTypeOf('object');
  const many = { constraints: Array.from({ length: 20 }, (_, i) => ({ key: `k${i}`, operator: '==', value: 'x', soft: false }) as const) };
  const more = { constraints: many.constraints.map((constraint) => ({ ...constraint, key: `${constraint.key}b` })) };
  expect(both(many, more)).toContain(`they have 40 constraints together, at most ${LIMITS.constraints}`);
});

test('the largest first, by the dimension it needs most of', () => {
  const found = units(stackOf([part({}, 100)], [part({}, 900)], [part({ resources: { cpuMillicores: 1, memoryBytes: 900 * MIB } })]));
  expect(bySize(found, { cpuMillicores: 1_000, memoryBytes: 500 * MIB })).toEqual([2, 1, 0]);
});
