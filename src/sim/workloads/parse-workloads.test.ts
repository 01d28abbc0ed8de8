import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MIB } from '../../core/model/index.ts';
import { Prng } from '../../lib/prng.ts';
import { parseWorkloads } from './parse-workloads.ts';
import { drawNodes } from './workload.ts';

const TEXT = readFileSync(new URL('../../../bench/workloads/caravela.json', import.meta.url), 'utf8');

interface Json {
  [key: string]: Json;
}

/** The file with one place changed. */
function changed(change: (file: Json) => void): string {
  const file = JSON.parse(TEXT) as Json;
  change(file);
  return JSON.stringify(file);
}

const set = (object: Json | undefined, key: string | number, value: unknown): void => {
  (object as Record<string, unknown>)[key] = value;
};

test('the ancestor’s workloads, and the edge mix', () => {
  const all = parseWorkloads(TEXT);
  expect([...all.keys()]).toEqual(['main', 'regular', 'steady', 'edge']);
  const main = all.get('main');
  expect(main?.nodes).toBe(65_535);
  expect(main?.rates).toMatchObject({ ticks: 360, tickSeconds: 20 });
  expect(main?.profiles[9]).toEqual({ percent: 7, of: { class: 'high', resources: { cpuMillicores: 6_000, memoryBytes: 5_000 * MIB } } });
  expect(main?.population.length).toBe(13);
  // 35 % are of class 1, 15 % of those have 4 cores, 65 % of those 2048 MB.
  expect(main?.population[9]).toEqual({
    percent: expect.closeTo(3.4125),
    of: { class: 'high', capacity: { cpuMillicores: 4_000, memoryBytes: 2_048 * MIB } },
  });
  const edge = all.get('edge');
  expect(edge?.rates).toBeUndefined();
  expect(edge?.profiles[0]).toEqual({ percent: 25, of: { class: 'low', resources: { cpuMillicores: 250, memoryBytes: 128 * MIB } } });
});

test('nodes come as often as their percents say', () => {
  const edge = parseWorkloads(TEXT).get('edge');
  const nodes = drawNodes(edge?.population ?? [], 20_000, new Prng(5));
  const share = (cores: number) => nodes.filter(({ capacity }) => capacity.cpuMillicores === cores * 1_000).length / nodes.length;
  expect(share(4)).toBeCloseTo(0.7, 1);
  expect(share(8)).toBeCloseTo(0.25, 1);
  expect(share(32)).toBeCloseTo(0.05, 1);
  expect(drawNodes(edge?.population ?? [], 50, new Prng(5))).toEqual(nodes.slice(0, 50));
});

test('a mix under another name is a workload, too, and one mix is enough', () => {
  const only = JSON.stringify({ lab: { nodes: [[2, 2048, 100]], profile: [[500, 64, 100]] } });
  expect([...parseWorkloads(only).keys()]).toEqual(['lab']);
});

test.each<readonly [string, (file: Json) => void]>([
  ['edge.profile: percents must add up to 100, they make 99', (f) => set(f.edge?.profile?.[9], 2, 0)],
  ['edge.nodes[1][0]: needs a number from 0.001 to 1000000, got "8"', (f) => set(f.edge?.nodes?.[1], 0, '8')],
  ['edge.nodes[1]: needs 3 figures (cores, memoryMiB, percent), got [8]', (f) => set(f.edge?.nodes, 1, [8])],
  ['edge.nodeColumns[1]: needs "memoryMiB", got "memoryGiB"', (f) => set(f.edge?.nodeColumns, 1, 'memoryGiB')],
  ['edge.nods: not known here; edge has nodes', (f) => set(f.edge, 'nods', [])],
  ['workloads.main.profile[0][0]: needs a number from 0 to 1, got 2', (f) => set(f.workloads?.main?.profile?.[0], 0, 2)],
  ['workloads.main.deployRates[2]: needs a number', (f) => set(f.workloads?.main?.deployRates, 2, -1)],
  ['workloads.steady.stopRates: needs a list with something in it, got []', (f) => set(f.workloads?.steady, 'stopRates', [])],
  ['workloads.main.nodes: needs a whole number, got 2.5', (f) => set(f.workloads?.main, 'nodes', 2.5)],
  ['nodeResources.classes[1].cores[3].memory: percents must', (f) => set(f.nodeResources?.classes?.[1]?.cores?.[3]?.memory?.[0], 1, 64)],
  ['requestUnit.memory: needs "MB", got "GB"', (f) => set(f.requestUnit, 'memory', 'GB')],
  ['ticks: needs a number from 1 to 1000000, got nothing', (f) => set(f, 'ticks', undefined)],
])('%s', (message, change) => {
  expect(() => parseWorkloads(changed(change))).toThrow(message);
});

test('what is no workload file is refused in words', () => {
  expect(() => parseWorkloads('{')).toThrow('the file is not JSON');
  expect(() => parseWorkloads('[]')).toThrow('the file: needs an object, got []');
  expect(() => parseWorkloads('{}')).toThrow('has no workload');
});

test('any JSON is either read or refused with an Error, never with a TypeError', () => {
  fc.assert(
    fc.property(fc.json(), (inner) => {
      for (const text of [inner, `{"workloads":${inner}}`, `{"edge":{"nodes":${inner},"profile":${inner}}}`]) {
        try {
          parseWorkloads(text);
        } catch (error) {
          expect((error as Error).name).toBe('Error');
        }
      }
    }),
  );
});
