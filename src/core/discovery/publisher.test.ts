import { beforeEach, expect, test } from 'vitest';
import { MIB, nodeId } from '../model/index.ts';
import type { Member, NodeId, Region, Resources } from '../model/index.ts';
import { Prng } from '../../lib/prng.ts';
import { Ring } from '../ring/ring.ts';
import type { Directory } from './directory.ts';
import { HintTable } from './hint-table.ts';
import { Publisher } from './publisher.ts';
import { regionOf, shardOf } from './region.ts';
import { TestTurn } from './test-turn.ts';

const random = new Prng(10);
const [trader, other] = [nodeId(random.hex(16)), nodeId(random.hex(16))] as [NodeId, NodeId];
/** One that a split moves. */
const me = Array.from({ length: 20 }, () => nodeId(random.hex(16))).find((id) => shardOf(id, 1) === 1) as NodeId;
const amount = (cpuMillicores: number): Resources => ({ cpuMillicores, memoryBytes: cpuMillicores * 256 * 1024 });

let free: Resources | undefined;
/** Who knows by an accept. */
let told: NodeId | undefined;
let ring: Ring;
let directory: Directory;
let publisher: Publisher;
let turn: TestTurn;
/** What its first offer made it send. */
let first: TestTurn['sent'];

beforeEach(() => {
  free = amount(2000);
  told = undefined;
  turn = new TestTurn();
  ring = new Ring();
  ring.add(trader);
  directory = { ring, hints: new HintTable(() => 100), mean: () => ({ cpuMillicores: 4000, memoryBytes: 1024 * MIB }) };
  publisher = new Publisher({
    self: () => ({ id: me, class: 'low', arch: 'amd64', labels: {}, name: 'me', draining: false }) as unknown as Member,
    directory,
    offered: () => free,
    epoch: () => ({ incarnation: 1, counter: 1 }),
    hasTold: (id) => id === told,
  });
  publisher.changed(turn);
  first = turn.sent.splice(0);
});

const fire = (name: string): void => publisher.timer(turn, turn.timer(name));

test('the first offer at once', () => {
  expect(first).toMatchObject([[trader, { kind: 'publish', shard: 0, offer: { supplier: me, free } }]]);
});

test('a new region at once, new first; inside it a minute late, gathered', () => {
  free = amount(1900);
  publisher.changed(turn);
  expect(turn.kinds()).toEqual(['publish', 'withdraw']);
  free = amount(1800);
  publisher.changed(turn);
  publisher.changed(turn);
  expect(turn.kinds()).toEqual([]);
  fire('lazy');
  expect(turn.last()).toMatchObject([trader, { kind: 'publish', offer: { free } }]);
});

test('a trader that knows where the offer went by its own reserve is told nothing', () => {
  free = amount(1900);
  told = trader;
  publisher.changed(turn);
  expect(turn.kinds()).toEqual(['publish']);
});

test('said again after 5 s, and each hour', () => {
  fire('repeat');
  fire('refresh');
  expect(turn.kinds()).toEqual(['publish', 'publish']);
});

test('nothing is offered: withdrawn; offered again: published', () => {
  const before = free;
  free = undefined;
  publisher.changed(turn);
  fire('refresh');
  expect(turn.kinds()).toEqual(['withdraw']);
  free = before;
  publisher.changed(turn);
  expect(turn.kinds()).toEqual(['publish']);
});

test('another trader for the key is told, the old one, too; one that came back is told again', () => {
  ring.add(other);
  ring.remove(trader);
  publisher.lookAgain(turn);
  fire('ring');
  expect(turn.sent.splice(0)).toMatchObject([
    [other, { kind: 'publish' }],
    [trader, { kind: 'withdraw' }],
  ]);
  publisher.lookAgain(turn);
  fire('ring');
  expect(turn.kinds()).toEqual([]);
  publisher.renewed(turn, trader);
  publisher.renewed(turn, other);
  fire('ring');
  expect(turn.kinds()).toEqual(['publish']);
});

test('after a split it stands in both shards for one hint period', () => {
  directory.hints.write(regionOf('low', amount(2000)) as Region, 8, 1, turn.wallMs);
  publisher.lookAgain(turn);
  fire('ring');
  expect(turn.sent.splice(0)).toMatchObject([[trader, { kind: 'publish', shard: 1 }]]);
  fire('former');
  expect(turn.sent.splice(0)).toMatchObject([[trader, { kind: 'withdraw', shard: 0 }]]);
});
