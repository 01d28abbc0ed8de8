import { expect, test } from 'vitest';
import { Prng } from '../../lib/prng.ts';
import { nodeId, requestId } from '../model/index.ts';
import type { Constraint, Member, NodeId, Request, Turn } from '../model/index.ts';
import { Eligible, filterWords } from './eligible.ts';
import { newRun } from './run.ts';
import type { Owner, Run } from './run.ts';
import type { SchedulerOptions } from './runs.ts';

const COUNT = 1_000;
const members = Array.from({ length: COUNT }, (_, i) => {
  const labels = { tens: String(i % 10), hundreds: String(i % 100), thirds: String(i % 3), halves: String(i % 2) };
  const id = nodeId(i.toString(16).padStart(32, '0'));
  return { id, name: `node-${i}`, state: 'alive', class: i < 10 ? 'high' : 'low', arch: 'amd64', labels } as unknown as Member;
});
let walks = 0;
const eligible = new Eligible({
  directory: { ring: { size: COUNT } },
  alive: () => {
    walks++;
    return members;
  },
  member: (id: NodeId) => members.find((member) => member.id === id),
} as unknown as SchedulerOptions);

const turn = { nowMs: 0, random: new Prng(1) } as unknown as Turn;
const where = (key: string, value: string, operator: Constraint['operator'] = '=='): Constraint => ({ key, operator, value, soft: false });
function runWith(change: Partial<Request>, exclude: readonly NodeId[] = []): Run {
  const request = {
    id: requestId('1'.repeat(32)),
    spec: '',
    class: 'low',
    arches: [],
    constraints: [],
    affinities: [],
    hostPorts: [],
    vnis: [],
    ...change,
  };
  return newRun(turn, request as unknown as Request, {} as Owner, exclude);
}

test('those that few nodes meet are known before a find; what a find meets as well is left to it', () => {
  expect(eligible.rare(runWith({ constraints: [where('hundreds', '7')] }))?.size).toBe(10);
  expect(eligible.rare(runWith({ constraints: [where('hundreds', '7'), where('node', 'node-7')] }))).toEqual(new Set([members[7]?.id]));
  expect(eligible.rare(runWith({ arches: ['arm64'] }))).toEqual(new Set());
  expect(eligible.rare(runWith({ constraints: [where('tens', '7')] }))).toBeUndefined();
  expect(eligible.rare(runWith({ constraints: [where('tens', '7', '!=')] }))).toBeUndefined();
  expect(eligible.rare(runWith({ class: 'high' }))).toBeUndefined();
  walks = 0;
  expect(eligible.rare(runWith({}))).toBeUndefined();
  expect(eligible.rare(runWith({ constraints: [where('node', members[500]?.id as string)] }))).toEqual(new Set([members[500]?.id]));
  expect(walks).toBe(0);
});

test('after a find in vain: all where they are few, some of a minority, nobody else', () => {
  expect(eligible.unseen(turn, runWith({ class: 'high' }))).toEqual({
    nodes: new Set(members.slice(0, 10).map(({ id }) => id)),
    of: undefined,
  });
  const excluded = members.filter(({ labels }) => labels['tens'] === '7').slice(0, 60);
  const some = eligible.unseen(
    turn,
    runWith(
      { constraints: [where('tens', '7')] },
      excluded.map(({ id }) => id),
    ),
  );
  expect([some?.nodes.size, some?.of]).toEqual([40, 100]);
  expect(excluded.some(({ id }) => some?.nodes.has(id))).toBe(false);
  expect(eligible.unseen(turn, runWith({ constraints: [where('thirds', '2')] }))).toMatchObject({ nodes: { size: 64 }, of: 333 });
  expect(eligible.unseen(turn, runWith({ constraints: [where('halves', '1')] }))).toBeUndefined();
  expect(eligible.unseen(turn, runWith({}))).toBeUndefined();
  // A hundred of class high: regions tell them, and a find has looked there.
  const classed = members.slice(0, 100).map((member) => ({ ...member, class: 'high' }) as const);
  const options = { directory: { ring: { size: COUNT } }, alive: () => classed } as unknown as SchedulerOptions;
  expect(new Eligible(options).unseen(turn, runWith({ class: 'high' }))).toBeUndefined();
});

test('filters in words; a wish that was given up is none', () => {
  const run = runWith({
    class: 'high',
    arches: ['arm64', 'arm'],
    constraints: [where('a', 'b*', '!='), { ...where('c', 'd'), soft: true }],
  });
  expect(filterWords(run)).toEqual(['a!=b*', 'c==d', 'arch==arm64 or arm', 'class==high']);
  run.wishes = 'given-up';
  expect(filterWords(run)).toEqual(['a!=b*', 'arch==arm64 or arm', 'class==high']);
});
