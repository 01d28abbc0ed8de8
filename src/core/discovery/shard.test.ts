import { expect, test } from 'vitest';
import { Prng } from '../../lib/prng.ts';
import { nodeId, requestId } from '../model/index.ts';
import type { Need, Offer } from '../model/index.ts';
import { score } from './score.ts';
import { Shard } from './shard.ts';
import { DISCOVERY } from './tunables.ts';

const random = new Prng(2);
const mean = { cpuMillicores: 1000, memoryBytes: 1000 };
const ids = Array.from({ length: 4 }, () => nodeId(random.hex(16)));
const [a, b, buyer] = ids as [Offer['supplier'], Offer['supplier'], Offer['supplier']];

const need = (n: number, cpu = 400): Need => ({
  requestId: requestId(n.toString(16).padStart(32, '0')),
  attempt: 1,
  buyer,
  resources: { cpuMillicores: cpu, memoryBytes: cpu },
  class: 'low',
  arches: [],
  constraints: [],
  affinities: [],
  hostPorts: [],
  vnis: [],
  exclude: [],
  policy: 'binpack',
  specDigest: '0'.repeat(16),
});
const offer = (supplier: Offer['supplier'], free: number, counter = 1): Offer => ({
  supplier,
  class: 'low',
  arch: 'amd64',
  free: { cpuMillicores: free, memoryBytes: free },
  labels: {},
  name: 'x',
  draining: false,
  epoch: { incarnation: 1, counter },
  ttlMs: DISCOVERY.offerTtlMs,
});
const shardOf = (...offers: Offer[]): Shard => {
  const shard = new Shard({ class: 'low', cpuBucket: 2, memoryBucket: 0 }, 0);
  for (const one of offers) shard.publish(one, 0);
  return shard;
};

test('the tightest fit is taken, and counts as used until its supplier speaks or 2 s have passed', () => {
  const shard = shardOf(offer(a, 500), offer(b, 1000));
  expect(shard.take(need(1), mean, 0, random)?.offer.supplier).toBe(a);
  expect(shard.take(need(2), mean, 0, random)?.offer.supplier).toBe(b);
  expect(shard.take(need(3), mean, 0, random)?.offer.supplier).toBe(b);
  expect(shard.take(need(4), mean, 0, random)).toBeUndefined();
  expect(shard.take(need(5), mean, DISCOVERY.tentativeMs, random)?.offer.supplier).toBe(a);
});

test("a supplier's newer word replaces the guess, an older one does not", () => {
  const shard = shardOf(offer(a, 500, 5));
  const { requestId } = need(1);
  shard.take(need(1), mean, 0, random);
  shard.correct(a, requestId, 1, { cpuMillicores: 450, memoryBytes: 450 }, { incarnation: 1, counter: 6 });
  expect(shard.offer(a)?.free.cpuMillicores).toBe(450);
  shard.correct(a, requestId, 1, { cpuMillicores: 1, memoryBytes: 1 }, { incarnation: 1, counter: 4 });
  expect(shard.publish(offer(a, 9, 3), 0)).toBe(false);
  expect(shard.take(need(2), mean, 0, random)?.offer.supplier).toBe(a);
});

test('cancel frees the guess; withdraw takes only what is not newer; offers expire', () => {
  const shard = shardOf(offer(a, 500, 5));
  shard.take(need(1), mean, 0, random);
  shard.cancel(need(1).requestId, 1);
  expect(shard.take(need(2), mean, 0, random)?.offer.supplier).toBe(a);
  expect(shard.withdraw(a, { incarnation: 1, counter: 4 })).toBe(false);
  expect(shard.expire(DISCOVERY.offerTtlMs - 1)).toEqual([]);
  expect(shard.expire(DISCOVERY.offerTtlMs)).toEqual([a]);
  shard.publish(offer(b, 500, 5), 0);
  expect(shard.withdraw(b, { incarnation: 1, counter: 5 })).toBe(true);
  expect(shard.size).toBe(0);
});

test('more than ten finds in 100 ms are too many', () => {
  const shard = shardOf();
  const finds = Array.from({ length: 12 }, (_, i) => shard.overrun(i));
  expect(finds.filter(Boolean)).toHaveLength(2);
  expect(shard.overrun(DISCOVERY.shedWindowMs)).toBe(false);
});

test('score: a tight fit, a like shape and no higher a class than needed; spread wants the opposite', () => {
  const of = (cpuMillicores: number, memoryBytes: number, cpuClass: 'low' | 'high' = 'low', policy: Need['policy'] = 'binpack') =>
    score({ ...need(1), policy }, { class: cpuClass, free: { cpuMillicores, memoryBytes } }, mean);
  expect(of(500, 500)).toBeLessThan(of(900, 900));
  expect(of(600, 600)).toBeLessThan(of(400, 800));
  expect(of(500, 500)).toBeLessThan(of(500, 500, 'high'));
  expect(of(500, 500, 'low', 'spread')).toBeGreaterThan(of(900, 900, 'low', 'spread'));
  expect(score({ ...need(1), resources: { cpuMillicores: 0, memoryBytes: 0 } }, offer(a, 5), mean)).toBeCloseTo(0.01);
});
