import { describe, expect, test } from 'vitest';
import { type CpuClass, MIB, type Need, nodeId, type Policy, requestId } from '../model/index.ts';
import { score } from './score.ts';

const mean = { cpuMillicores: 2000, memoryBytes: 4096 * MIB };
const need = (policy: Policy, cpuMillicores: number, memoryMib: number): Need => ({
  requestId: requestId('0'.repeat(32)),
  attempt: 1,
  buyer: nodeId('0'.repeat(32)),
  resources: { cpuMillicores, memoryBytes: memoryMib * MIB },
  class: 'low',
  arches: [],
  constraints: [],
  affinities: [],
  hostPorts: [],
  vnis: [],
  exclude: [],
  policy,
  specDigest: '0'.repeat(16),
});
const offer = (cpuMillicores: number, memoryMib: number, cpuClass: CpuClass = 'low') => ({
  class: cpuClass,
  free: { cpuMillicores, memoryBytes: memoryMib * MIB },
});
const best = (n: Need, ...offers: ReturnType<typeof offer>[]) =>
  offers.map((o, i) => ({ i, score: score(n, o, mean) })).toSorted((a, b) => a.score - b.score)[0]?.i;

describe('binpack', () => {
  test('prefers what leaves least over', () => {
    expect(best(need('binpack', 500, 1024), offer(2000, 4096), offer(500, 1024))).toBe(1);
  });
  test('prefers the shape of the need, so that nothing is stranded', () => {
    expect(best(need('binpack', 1000, 64), offer(1000, 4096), offer(2000, 1024))).toBe(1);
  });
  test('leaves nodes of a higher class to those who need them', () => {
    expect(best(need('binpack', 500, 512), offer(500, 512, 'high'), offer(2000, 4096))).toBe(1);
  });
});

describe('spread', () => {
  test('prefers the emptiest of equal nodes, whatever the shape that a load left', () => {
    // One CPU-heavy container already holds a quarter of the first node's CPU and next to no memory.
    expect(best(need('spread', 500, 64), offer(1500, 4032), offer(2000, 4096))).toBe(1);
    expect(best(need('spread', 100, 2048), offer(1900, 2048), offer(2000, 4096))).toBe(1);
  });
  test('does not seek the higher class', () => {
    expect(best(need('spread', 500, 512), offer(2000, 4096, 'high'), offer(1500, 4096))).toBe(1);
  });
});
