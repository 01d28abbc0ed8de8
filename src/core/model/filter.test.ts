import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Candidate } from './filter.ts';
import { isAmount, matchesGlob, unfit } from './filter.ts';
import { MIB, nodeId, requestId } from './index.ts';
import type { Need } from './index.ts';
import { cpuWords, memoryWords, memoryWordsApart } from './words.ts';

const need: Need = {
  requestId: requestId('1'.repeat(32)),
  attempt: 1,
  buyer: nodeId('a'.repeat(32)),
  resources: { cpuMillicores: 2000, memoryBytes: 256 * MIB },
  class: 'low',
  arches: [],
  constraints: [],
  affinities: [],
  hostPorts: [],
  vnis: [],
  exclude: [],
  policy: 'binpack',
  specDigest: '0'.repeat(16),
};
const node: Candidate = {
  id: nodeId('b'.repeat(32)),
  name: 'node-3',
  class: 'low',
  arch: 'amd64',
  labels: { zone: 'eu-west', constructor: 'x' },
  draining: false,
  free: { cpuMillicores: 4000, memoryBytes: 1024 * MIB },
};

test('a need that fits', () => {
  expect(unfit(need, node)).toBeUndefined();
});

test('each reason, in words with numbers', () => {
  const { free } = node;
  const cases: readonly (readonly [Partial<Need>, Partial<Candidate>, string, string])[] = [
    [{}, { free: { ...free, cpuMillicores: 500 } }, 'cpu', 'needs 2 CPUs, 0.5 free'],
    [{}, { free: { ...free, memoryBytes: 201 * MIB } }, 'memory', 'needs 256 MiB, 201 MiB free'],
    [{}, { free: { cpuMillicores: 0, memoryBytes: 0 } }, 'memory', 'needs 256 MiB, 0 bytes free; needs 2 CPUs, 0 free'],
    [{ class: 'high' }, {}, 'class', 'needs class high, is low'],
    [{ arches: ['arm64', 'riscv64'] }, {}, 'arch', 'needs arm64 or riscv64, is amd64'],
    [{ exclude: [node.id] }, {}, 'excluded', 'node-3 was excluded'],
    [{}, { draining: true }, 'draining', 'node-3 is draining'],
    [{ constraints: [{ key: 'zone', operator: '!=', value: 'eu-*', soft: false }] }, {}, 'constraint', 'does not meet zone!=eu-*'],
    [{ constraints: [{ key: 'node', operator: '==', value: 'node-4', soft: false }] }, {}, 'constraint', 'does not meet node==node-4'],
    [{ constraints: [{ key: 'missing', operator: '==', value: '*', soft: false }] }, {}, 'constraint', 'does not meet missing==*'],
    [{ constraints: [{ key: 'toString', operator: '==', value: '*', soft: false }] }, {}, 'constraint', 'does not meet toString==*'],
  ];
  for (const [change, of, reason, detail] of cases) expect(unfit({ ...need, ...change }, { ...node, ...of })).toEqual({ reason, detail });
});

test('constraints that are met: name or id, globs, a label that is not there is not equal', () => {
  for (const [key, operator, value] of [
    ['node', '==', 'node-*'],
    ['node', '==', 'b'.repeat(32)],
    ['arch', '!=', 'arm*'],
    ['class', '==', 'low'],
    ['zone', '==', '*west'],
    ['missing', '!=', 'x'],
  ] as const) {
    expect(unfit({ ...need, constraints: [{ key, operator, value, soft: false }] }, node)).toBeUndefined();
  }
});

test('globs agree with a regular expression of the same meaning', () => {
  const piece = fc.constantFrom('a', 'b', '.', '*');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 8 }), (pattern, value) => {
      const expected = new RegExp(`^${pattern.map((c) => (c === '*' ? '.*' : c === '.' ? '\\.' : c)).join('')}$`);
      expect(matchesGlob(pattern.join(''), value.join(''))).toBe(expected.test(value.join('')));
    }),
  );
});

test('amounts', () => {
  expect(isAmount({ cpuMillicores: 0, memoryBytes: 1 })).toBe(true);
  for (const bad of [-1, 0.5, Number.NaN, Infinity]) {
    expect(isAmount({ cpuMillicores: bad, memoryBytes: 1 })).toBe(false);
    expect(isAmount({ cpuMillicores: 1, memoryBytes: bad })).toBe(false);
  }
});

test('words', () => {
  expect([1000, 2000, 500, 62].map(cpuWords)).toEqual(['1 CPU', '2 CPUs', '0.5 CPUs', '0.062 CPUs']);
  expect([0, 2048, 256 * MIB, 1.5 * 1024 * MIB].map(memoryWords)).toEqual(['0 bytes', '2 KiB', '256 MiB', '1.5 GiB']);
  expect(memoryWordsApart(2 ** 40, 2 ** 30)).toEqual(['1024 GiB', '1 GiB']);
  expect(memoryWordsApart(2000 * MIB, 1990 * MIB)).toEqual(['2000 MiB', '1990 MiB']);
  expect(memoryWordsApart(256 * MIB, 256 * MIB - 1)).toEqual(['256 MiB', '255.9 MiB']);
  expect(memoryWordsApart(256 * MIB + 1, 256 * MIB)).toEqual(['268435457 bytes', '268435456 bytes']);
});
