import { beforeEach, expect, test } from 'vitest';
import { LIMITS, MIB, nodeId, regionKey, requestId } from '../model/index.ts';
import type { Candidates, Find, Need, NodeId, Publish, Refuse, Region, Reserve } from '../model/index.ts';
import { Prng } from '../../lib/prng.ts';
import { Ring } from '../ring/ring.ts';
import type { Directory } from './directory.ts';
import { HintTable } from './hint-table.ts';
import { regionOf } from './region.ts';
import { TestTurn } from './test-turn.ts';
import { Trader } from './trader.ts';
import { DISCOVERY } from './tunables.ts';

const random = new Prng(9);
const me = nodeId(random.hex(16));
const buyer = nodeId(random.hex(16));
const suppliers = Array.from({ length: 120 }, () => nodeId(random.hex(16)));
const [a, b] = suppliers as [NodeId, NodeId];
const amount = (cpuMillicores: number) => ({ cpuMillicores, memoryBytes: cpuMillicores * 256 * 1024 });
const region = (cpu: number): Region => regionOf('low', amount(cpu)) as Region;

let directory: Directory;
let trader: Trader;
let isShort: boolean;
let turn: TestTurn;

beforeEach(() => {
  turn = new TestTurn();
  isShort = true;
  // Every key is this trader's.
  const ring = new Ring();
  ring.add(me);
  directory = { ring, hints: new HintTable(() => 100), mean: () => ({ cpuMillicores: 4000, memoryBytes: 1024 * MIB }) };
  trader = new Trader({ self: me, directory, nameOf: (id) => id.slice(0, 4), isShort: () => isShort });
});

function publish(supplier: NodeId, cpu: number, change: Partial<Publish> = {}): void {
  const offer = {
    supplier,
    class: 'low',
    arch: 'amd64',
    free: amount(cpu),
    labels: {},
    name: 'x',
    draining: false,
    epoch: { incarnation: 1, counter: 1 },
    ttlMs: DISCOVERY.offerTtlMs,
  } as const;
  trader.publish(turn, supplier, { kind: 'publish', region: region(cpu), shard: 0, offer, ...change });
}

function find(n: number, cpu: number, change: Partial<Find> = {}): Find {
  const need: Need = {
    requestId: requestId(n.toString(16).padStart(32, '0')),
    attempt: 1,
    buyer,
    resources: amount(cpu),
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
  const used = [regionKey(region(cpu))];
  return {
    kind: 'find',
    need,
    region: region(cpu),
    shard: 0,
    asked: 1,
    shedDone: false,
    refusals: 0,
    used,
    trail: [],
    plan: false,
    ...change,
  };
}

test('an offer is taken only from its supplier, in the region it belongs to', () => {
  publish(a, 2000);
  const [offer] = trader.offers();
  publish(b, 2000, { region: region(500) });
  publish(b, 2000, { shard: 5_000 });
  publish(b, 2000, { offer: offer as Publish['offer'] });
  expect(trader.offers()).toEqual([offer]);
  trader.withdraw(turn, b, { kind: 'withdraw', region: region(2000), shard: 0, epoch: { incarnation: 9, counter: 9 } });
  expect(trader.offers()).toEqual([offer]);
  trader.memberGone(turn, a);
  expect(trader.offers()).toEqual([]);
});

test('a find becomes a reserve at the best supplier; a refusal corrects the offer and tries the next', () => {
  publish(a, 2100);
  publish(b, 3000);
  trader.find(turn, find(1, 1500, { region: region(2100) }));
  expect(turn.last()).toMatchObject([a, { kind: 'reserve', direct: false, asked: 1 }]);
  const refusal: Refuse = {
    ...(turn.last()[1] as Refuse),
    kind: 'refuse',
    reason: 'cpu',
    detail: 'full',
    free: amount(100),
    epoch: { incarnation: 1, counter: 2 },
  };
  trader.refuse(turn, a, refusal);
  expect(turn.last()).toMatchObject([b, { kind: 'reserve', refusals: 1, need: { exclude: [a] } }]);
  expect(trader.offers().map((offer) => offer.supplier)).toEqual([b]);
  const { need, trail } = turn.last()[1] as Reserve;
  trader.refuse(turn, b, { ...refusal, need, trail, refusals: 2 });
  expect(turn.last()).toMatchObject([buyer, { kind: 'not-found', asked: 1, considered: [{ nodeId: a }, { nodeId: b }] }]);
});

test('a plan hears of the best, at most eight, and takes nothing of them; one that finds nobody goes on as a plan', () => {
  for (const [i, id] of suppliers.slice(0, 12).entries()) publish(id, 2100 + 100 * i);
  const plan = find(1, 1500, { region: region(2100), plan: true });
  for (let n = 0; n < 3; n++) {
    trader.find(turn, plan);
    const [to, message] = turn.last();
    expect([to, message.kind]).toEqual([buyer, 'candidates']);
    const { candidates } = message as Candidates;
    expect(candidates).toHaveLength(LIMITS.candidates);
    expect(candidates[0]).toMatchObject({ nodeId: a, reason: undefined, free: amount(2100) });
  }
  trader.find(turn, find(2, 1500, { region: region(2100) }));
  expect(turn.last()).toMatchObject([a, { kind: 'reserve' }]);
  directory.hints.suppose(region(8000), 0);
  trader.find(turn, find(3, 3500, { region: region(2100), plan: true }));
  expect(turn.last()[1]).toMatchObject({ plan: true });
});

test('a reserve tells who fitted, too, and who refused before; the buyer of a find that came to nothing hears who refused', () => {
  publish(a, 2100);
  publish(b, 2300);
  for (const id of suppliers.slice(2, 8)) publish(id, 3000);
  trader.find(turn, find(1, 1500, { region: region(2100) }));
  const first = turn.last()[1] as Reserve;
  expect(first.trail).toHaveLength(LIMITS.runnersUp);
  expect(first.trail[0]).toMatchObject({ nodeId: b, reason: undefined, free: amount(2300), score: expect.any(Number) });
  const refusal = { kind: 'refuse', detail: '', free: amount(100), epoch: { incarnation: 1, counter: 2 } } as const;
  trader.refuse(turn, a, { ...first, ...refusal, reason: 'memory' });
  const second = turn.last()[1] as Reserve;
  expect(second.trail).toHaveLength(1 + LIMITS.runnersUp);
  expect(second.trail[0]).toMatchObject({ nodeId: a, reason: 'memory', free: amount(100) });
  isShort = false;
  trader.refuse(turn, b, { ...second, ...refusal, reason: 'holds', detail: 'keeps 9 holds' });
  const third = turn.last()[1] as Reserve;
  expect(third.trail).toEqual([]);
  trader.refuse(turn, turn.last()[0], {
    ...third,
    ...refusal,
    trail: second.trail,
    asked: DISCOVERY.queries,
    reason: 'holds',
    detail: 'keeps 9 holds',
  });
  expect(turn.last()).toMatchObject([
    buyer,
    {
      kind: 'not-found',
      considered: [{ nodeId: a, detail: expect.stringContaining('needs 375 MiB, 25 MiB free') }, { detail: 'keeps 9 holds' }],
    },
  ]);
});

test('a miss goes on to another region, and in the end back to the buyer', () => {
  publish(a, 8000);
  trader.find(turn, find(1, 1500));
  const used = [regionKey(region(1500)), regionKey(region(8000))];
  expect(turn.last()).toMatchObject([me, { kind: 'find', asked: 2, region: region(8000), used }]);
  trader.find(turn, { ...(turn.last()[1] as Find), shard: 1 });
  expect(turn.last()).toMatchObject([buyer, { kind: 'not-found', asked: 2 }]);
});

test('an overrun shard sheds a request once, without counting the query', () => {
  for (const id of suppliers.slice(0, 40)) publish(id, 2000);
  for (const id of suppliers.slice(40, 80)) publish(id, 8000);
  for (let n = 1; n <= 10; n++) trader.find(turn, find(n, 1500, { region: region(2000) }));
  expect(new Set(turn.kinds())).toEqual(new Set(['reserve']));
  trader.find(turn, find(11, 1500, { region: region(2000) }));
  expect(turn.last()).toMatchObject([me, { kind: 'find', asked: 1, shedDone: true }]);
  trader.find(turn, find(12, 1500, { region: region(2000), shedDone: true }));
  expect(turn.last()[1].kind).toBe('reserve');
});

test('hints: at once to and from empty, otherwise each minute; a split above 96 offers', () => {
  const said = () => directory.hints.get(region(2000));
  trader.start(turn);
  const sweep = turn.timer('sweep');
  publish(a, 2000);
  expect(said()).toMatchObject({ countLevel: 1, splitLevel: 0 });
  for (const id of suppliers) publish(id, 2000);
  expect(said()).toMatchObject({ countLevel: 1 });
  turn.nowMs += DISCOVERY.hintMs;
  trader.timer(turn, sweep);
  expect(said()).toMatchObject({ countLevel: 8, splitLevel: 1 });
  // What it counts means nothing until the suppliers have moved.
  turn.nowMs += DISCOVERY.hintMs;
  trader.timer(turn, sweep);
  expect(said()).toMatchObject({ countLevel: 8, splitLevel: 1 });
  for (const id of suppliers.slice(10)) trader.memberGone(turn, id);
  turn.nowMs += DISCOVERY.hintMs;
  trader.timer(turn, sweep);
  expect(said()).toMatchObject({ countLevel: 5, splitLevel: 0 });
  for (const id of suppliers) trader.memberGone(turn, id);
  expect(said()).toMatchObject({ countLevel: 0 });
});
