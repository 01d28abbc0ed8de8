import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classRank } from '../../core/model/filter.ts';
import { score } from '../../core/discovery/score.ts';
import { MIB, NO_RESOURCES, fits } from '../../core/model/index.ts';
import type { Need } from '../../core/model/index.ts';
import { Prng } from '../../lib/prng.ts';
import type { Ask, Contender, NodeShape, Outcome } from '../workloads/contender.ts';
import { Ledger } from '../workloads/ledger.ts';
import type { ContenderSetup } from '../workloads/trial.ts';
import { Alignment } from './alignment.ts';
import { Central } from './central.ts';
import { Oracle } from './oracle.ts';
import { Probing } from './probing.ts';

const node = (cores: number, mib: number, nodeClass: NodeShape['class'] = 'low'): NodeShape => ({
  class: nodeClass,
  capacity: { cpuMillicores: cores * 1_000, memoryBytes: mib * MIB },
});
let asks = 0;
const ask = (cores: number, mib: number, change: Partial<Ask> = {}): Ask => ({
  id: asks++,
  origin: 0,
  class: 'low',
  profile: 0,
  resources: { cpuMillicores: cores * 1_000, memoryBytes: mib * MIB },
  ...change,
});
const setup = (nodes: readonly NodeShape[], seed = 1, loss = 0): ContenderSetup => ({ nodes, seed, loss });

/** Submits one after another and lets each have its answer. */
function place(contender: Contender, ...wanted: readonly Ask[]): readonly (Outcome | undefined)[] {
  return wanted.map((one) => {
    let outcome: Outcome | undefined;
    contender.submit(one, (answer) => (outcome = answer));
    contender.schedule.runUntil(contender.schedule.nowMs + 30_000);
    return outcome;
  });
}

const CONTENDERS = [
  ['oracle', (s: ContenderSetup) => new Oracle(s)],
  ['central', (s: ContenderSetup) => new Central(s)],
  ['probing', (s: ContenderSetup) => new Probing(s)],
] as const;

describe.each(CONTENDERS)('%s', (name, create) => {
  test('places what fits, refuses what does not, and places again what was given back', () => {
    const contender = create(setup([node(1, 1_024), node(2, 512)]));
    expect(contender.name).toBe(name);
    const first = ask(2, 256);
    expect(place(contender, first, ask(2, 256), ask(1, 2_048)).map((outcome) => outcome?.node)).toEqual([1, undefined, undefined]);
    expect(contender.used()).toEqual(first.resources);
    contender.stop(first.id);
    expect(contender.used()).toEqual(NO_RESOURCES);
    contender.schedule.runUntil(contender.schedule.nowMs + 1_000);
    expect(place(contender, ask(2, 256))[0]?.node).toBe(1);
  });

  test('a request for class high goes to such a node only', () => {
    const contender = create(setup([node(8, 8_192), node(1, 1_024, 'high')]));
    expect(contender.fitsSomewhere(ask(2, 64, { class: 'high' }))).toBe(false);
    expect(place(contender, ask(1, 64, { class: 'high' }), ask(1, 64, { class: 'high' })).map((outcome) => outcome?.node)).toEqual([
      1,
      undefined,
    ]);
  });

  test('a failed node gets nothing, also while nobody knows; when it is back, it does', () => {
    const contender = create(setup([node(1, 64), node(4, 4_096), node(2, 2_048)]));
    const lost = ask(1, 1_024);
    const [where] = place(contender, lost);
    contender.fail(where?.node as number);
    expect(contender.used()).toEqual(NO_RESOURCES);
    contender.stop(lost.id);
    const other = place(contender, ask(1, 1_024))[0]?.node;
    expect([1, 2]).toContain(other);
    expect(other).not.toBe(where?.node);
    contender.fail(other as number);
    expect(contender.capacity()).toEqual(node(1, 64).capacity);
    expect(place(contender, ask(1, 1_024))[0]).toMatchObject({ node: undefined });
    contender.join(1);
    contender.schedule.runUntil(contender.schedule.nowMs + 1_000);
    expect(place(contender, ask(1, 1_024))[0]?.node).toBe(1);
  });

  test('many at once, with loss and failures: each is answered once, no node is oversold, the same again from the same seed', () => {
    const run = (seed: number) => {
      const random = new Prng(seed);
      const nodes = Array.from({ length: 30 }, () => node(1 + random.int(4), 1_024 * (1 + random.int(4))));
      const contender = create(setup(nodes, seed, 0.2));
      const ledger = new Ledger(nodes);
      const answers: unknown[] = [];
      for (let i = 0; i < 150; i++) {
        const one = ask(0.5, 256 * (1 + random.int(3)), { id: i, origin: random.int(nodes.length) });
        contender.schedule.after(random.float() * 1_000, () =>
          contender.submit(one, (outcome) => {
            answers.push([i, outcome.node, Math.round(outcome.tookMs), outcome.hops]);
            if (outcome.node !== undefined) ledger.add({ ask: one, node: outcome.node });
          }),
        );
      }
      contender.schedule.runUntil(120_000);
      expect(answers).toHaveLength(150);
      expect(ledger.oversold).toBe(0);
      const used = contender.used();
      expect(fits(used, contender.capacity())).toBe(true);
      // What was given a second place by mistake has been given back.
      expect(used.cpuMillicores).toBe(500 * ledger.size);
      return JSON.stringify([answers, contender.traffic]);
    };
    for (const seed of [1, 2, 3]) expect(run(seed)).toBe(run(seed));
  });
});

test('the alignment is the core’s score, but for a constant', () => {
  const amount = fc.record({ cpuMillicores: fc.integer({ min: 1, max: 64_000 }), memoryBytes: fc.integer({ min: 1, max: 2 ** 38 }) });
  const kind = fc.constantFrom('low' as const, 'high' as const);
  fc.assert(
    fc.property(amount, amount, amount, amount, kind, kind, (wanted, a, b, mean, classA, classB) => {
      const need = { resources: wanted, class: 'low', policy: 'binpack' } as Need;
      const alignment = new Alignment(ask(0, 0, { resources: wanted }), mean);
      const [here, there] = [
        { class: classA, free: a },
        { class: classB, free: b },
      ].map((offer) => {
        const mine = alignment.score(classRank(offer.class), offer.free.cpuMillicores, offer.free.memoryBytes);
        expect(mine === Number.POSITIVE_INFINITY).toBe(!fits(wanted, offer.free));
        return { mine, core: score(need, offer, mean) };
      }) as [{ mine: number; core: number }, { mine: number; core: number }];
      if (here.mine === Number.POSITIVE_INFINITY || there.mine === Number.POSITIVE_INFINITY) return;
      const scale = Math.max(1, Math.abs(here.core), Math.abs(there.core));
      expect(Math.abs(here.mine - there.mine - (here.core - there.core)) / scale).toBeLessThan(1e-6);
      const below = alignment.score(classRank(classB), b.cpuMillicores, b.memoryBytes, here.mine);
      if (there.mine < here.mine) expect(below).toBe(there.mine);
    }),
  );
});

test('the oracle takes the node whose shape suits, not the emptiest', () => {
  const oracle = new Oracle(setup([node(8, 1_024), node(2, 4_096), node(8, 4_096)]));
  expect(place(oracle, ask(1, 2_048), ask(4, 512)).map((outcome) => outcome?.node)).toEqual([1, 0]);
  expect(oracle.traffic).toMatchObject({ placement: 2, upkeep: 0, bytes: 160 + 48 });
});

test('central packs: the node of which most is then in use; three messages one after the other', () => {
  const central = new Central(setup([node(8, 8_192), node(2, 2_048), node(4, 4_096)]));
  const outcomes = place(central, ask(1, 1_024), ask(1, 1_024), ask(1, 1_024));
  expect(outcomes.map((outcome) => outcome?.node)).toEqual([1, 1, 2]);
  for (const outcome of outcomes) {
    expect(outcome?.hops).toBe(3);
    expect(outcome?.tookMs).toBeGreaterThanOrEqual(3 * 5 + 1);
    expect(outcome?.tookMs).toBeLessThanOrEqual(3 * 80 + 1);
  }
  expect(central.traffic.placement).toBe(3 * 4);
});

test('central decides one after the other, 1 ms each', () => {
  const central = new Central(setup([node(64, 65_536), node(64, 65_536)]));
  const took: number[] = [];
  for (let i = 0; i < 600; i++) central.submit(ask(0.1, 64), (outcome) => took.push(outcome.tookMs));
  central.schedule.runUntil(2_000);
  expect(took).toHaveLength(600);
  expect(Math.max(...took)).toBeGreaterThan(600);
  expect(central.traffic.hottestPeak).toBe(1_200);
});

test('probing asks four times eight and gives up', () => {
  const probing = new Probing(setup(Array.from({ length: 50 }, () => node(1, 64))));
  expect(place(probing, ask(1, 128))[0]).toMatchObject({ node: undefined, hops: 8 });
  // Now and then it probes its own node, which costs no message.
  expect(probing.traffic.placement).toBeGreaterThan(4 * 8 * 2 - 10);
});
