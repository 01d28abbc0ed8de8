import { expect, test } from 'vitest';
import { Prng } from '../../lib/prng.ts';
import type { Ask, NodeShape } from './contender.ts';
import { Ledger } from './ledger.ts';

const node = (cpuMillicores: number): NodeShape => ({ class: 'low', capacity: { cpuMillicores, memoryBytes: 1_000 } });
const ask = (id: number, cpuMillicores: number, profile = 0): Ask => ({
  id,
  origin: 0,
  class: 'low',
  profile,
  resources: { cpuMillicores, memoryBytes: 100 },
});

test('utilisation is the larger share, of what is alive', () => {
  const ledger = new Ledger([node(1_000), node(3_000)]);
  ledger.add({ ask: ask(1, 1_000), node: 1 });
  expect(ledger.utilisation()).toBe(0.25);
  expect(ledger.fail(0)).toBe(0);
  expect(ledger.utilisation()).toBeCloseTo(1 / 3);
  expect(ledger.fail(1)).toBe(1);
  expect([ledger.alive, ledger.size, ledger.utilisation()]).toEqual([0, 0, 0]);
  ledger.join(1);
  expect([ledger.isAlive(1), ledger.capacity.cpuMillicores]).toEqual([true, 3_000]);
});

test('the newest of a profile that still runs', () => {
  const ledger = new Ledger([node(9_000), node(9_000)]);
  for (const id of [1, 2, 3, 4]) ledger.add({ ask: ask(id, 10, id === 3 ? 1 : 0), node: id % 2 });
  ledger.fail(0);
  expect(ledger.takeNewest(0)?.ask.id).toBe(1);
  expect(ledger.takeNewest(0)).toBeUndefined();
  expect(ledger.takeAny(new Prng(1))?.ask.id).toBe(3);
  expect(ledger.takeAny(new Prng(1))).toBeUndefined();
});

test('a node that is told to hold more than it has is found out', () => {
  const ledger = new Ledger([node(1_000)]);
  ledger.add({ ask: ask(1, 600), node: 0 });
  expect(ledger.oversold).toBe(0);
  ledger.add({ ask: ask(2, 600), node: 0 });
  expect(ledger.oversold).toBe(1);
});
