import { describe, expect, test } from 'vitest';
import type { MessageKind } from '../../core/model/index.ts';
import { Node } from '../../core/node/node.ts';
import { Prng } from '../../lib/prng.ts';
import { CALM } from '../network/conditions.ts';
import type { Outcome } from '../workloads/contender.ts';
import { World } from '../world.ts';
import { Market } from './market.ts';
import { askRequest } from './requests.ts';
import { ask, shapes } from './trial-shapes.test-helper.ts';
import { containerId, requestId } from '../../core/model/index.ts';

const NODES = 200;

interface Story {
  readonly outcomes: readonly (readonly [number, Outcome])[];
  readonly market: Market;
  readonly feasible: number;
}

/** Fills an instance beyond what it has while containers end and, where asked, nodes come and go. */
function story(seed: number, asks: number, loss: number, churn: boolean): Story {
  const random = new Prng(seed);
  const market = new Market({ seed, nodes: shapes(NODES, random), latencyMs: [5, 80], loss });
  const outcomes: [number, Outcome][] = [];
  const down = new Set<number>();
  let feasible = 0;
  for (let i = 0; i < asks; i++) {
    let origin = random.int(NODES);
    while (down.has(origin)) origin = random.int(NODES);
    const one = ask(i, origin, random);
    market.submit(one, (outcome) => {
      outcomes.push([i, outcome]);
      if (outcome.node === undefined && market.fitsSomewhere(one)) feasible++;
    });
    if (random.chance(0.2)) market.stop(random.int(i + 1));
    if (churn && random.chance(0.02)) {
      const node = random.int(NODES);
      if (!down.has(node)) {
        down.add(node);
        market.fail(node);
        market.schedule.after(30_000, () => {
          down.delete(node);
          market.join(node);
        });
      }
    }
    market.schedule.runUntil(market.schedule.nowMs + random.float() * 1_000);
  }
  market.schedule.runUntil(market.schedule.nowMs + 60_000);
  return { outcomes, market, feasible };
}

const SEED = 7;
console.log(`market.test.ts: seed ${SEED}`);

// That nobody is ever oversold is asserted by the market's own books, at each hold.
describe('a market', () => {
  test('places what fits, refuses what does not, and leaves no hold behind', { timeout: 60_000 }, () => {
    const { outcomes, market, feasible } = story(SEED, 2_600, 0, false);
    expect(outcomes).toHaveLength(2_600);
    expect([market.open, market.accounts.holds]).toEqual([0, 0]);
    const placed = outcomes.filter(([, { node }]) => node !== undefined);
    expect(placed.length).toBeGreaterThan(1_200);
    expect(placed.length).toBeLessThan(2_600);
    expect(feasible).toBeLessThan(130);
    for (const [, { hops, tookMs }] of placed) {
      expect(hops).toBeLessThanOrEqual(30);
      expect(tookMs).toBeLessThan(3_000);
    }
    const { placement, upkeep, names } = market.traffic;
    expect((placement + upkeep) / placed.length).toBeLessThan(12);
    expect(names).toBeGreaterThan(0);
  });

  test('with nodes that fail and come back, and packets lost, every ask of a node that stays is answered', { timeout: 60_000 }, () => {
    const { outcomes, market } = story(SEED + 1, 800, 0.03, true);
    expect([market.open, market.accounts.holds]).toEqual([0, 0]);
    expect(outcomes.length).toBeGreaterThan(780);
    expect(outcomes.filter(([, { node }]) => node !== undefined).length).toBeGreaterThan(600);
    expect(market.meter.lost).toBeGreaterThan(0);
  });

  test('one seed is one history', { timeout: 60_000 }, () => {
    const of = ({ outcomes, market }: Story) => ({ outcomes, traffic: market.traffic, kinds: [...market.meter.kinds] });
    expect(of(story(SEED, 200, 0.01, true))).toEqual(of(story(SEED, 200, 0.01, true)));
  });
});

test('costs what the simulator with full membership says', { timeout: 120_000 }, () => {
  const nodes = 70;
  const asks = 140;
  const kinds: readonly MessageKind[] = ['find', 'reserve', 'accept', 'launch'];
  const random = new Prng(SEED);
  const population = shapes(nodes, random).map(({ capacity }) => ({ class: 'low', capacity }) as const);
  const draws = Array.from({ length: asks }, (_, i) => ({ ...ask(i, random.int(nodes), random), class: 'low' as const }));

  const market = new Market({ seed: SEED, nodes: population, latencyMs: [5, 80], loss: 0 });
  let inMarket = 0;
  for (const one of draws) {
    market.submit(one, ({ node }) => (inMarket += node === undefined ? 0 : 1));
    market.schedule.runUntil(market.schedule.nowMs + 250);
  }
  market.schedule.runUntil(market.schedule.nowMs + 30_000);

  const world = new World({
    seed: SEED,
    nodes,
    conditions: { ...CALM, latency: { kind: 'uniform', leastMs: 5, spreadMs: 75 } },
    createCore: (config, kept) => new Node(config, kept),
    checkers: [],
    describe: (index) => population[index] ?? {},
    evenHosts: true,
  });
  for (const node of world.nodes) world.schedule.at(node.index * 50, () => world.start(node));
  world.schedule.runUntil(120_000);
  const before = new Map(world.traffic.kinds);
  let inWorld = 0;
  for (const one of draws) {
    const request = askRequest(requestId(random.hex(16)), containerId(random.hex(32)), one);
    const node = world.nodes[one.origin];
    if (node !== undefined) world.command(node, { kind: 'run', request, exclude: [] }, ({ ok }) => (inWorld += ok ? 1 : 0));
    world.schedule.runUntil(world.nowMs + 250);
  }
  world.schedule.runUntil(world.nowMs + 30_000);

  expect([inMarket, inWorld]).toEqual([asks, asks]);
  const sum = (of: (kind: MessageKind) => number): number => kinds.reduce((total, kind) => total + of(kind), 0);
  const modelled = sum((kind) => market.meter.kinds.get(kind) ?? 0);
  const real = sum((kind) => (world.traffic.kinds.get(kind) ?? 0) - (before.get(kind) ?? 0));
  expect(Math.abs(modelled - real)).toBeLessThan(0.2 * real);
});
