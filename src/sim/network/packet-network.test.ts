import { beforeEach, expect, test } from 'vitest';
import type { Message, NodeId } from '../../core/model/index.ts';
import { Prng } from '../../lib/prng.ts';
import { Schedule } from '../schedule.ts';
import { Trace } from '../trace.ts';
import { KEPT } from './clog.ts';
import { CALM } from './conditions.ts';
import { drawLatency } from './latency.ts';
import { PacketNetwork } from './packet-network.ts';
import type { Station } from './packet-network.ts';

const id = (n: number): NodeId => String(n).repeat(32) as NodeId;
const nack = (sequence: number): Message => ({ kind: 'nack', sequence });
const AT_ONCE = { kind: 'uniform', leastMs: 0.5, spreadMs: 0 } as const;
const stream: Message = { kind: 'sync-request', buckets: [] };

class TestStation implements Station {
  readonly received: Message[] = [];
  up = true;
  readonly index: number;
  readonly id: NodeId;
  ip: string;

  constructor(index: number) {
    this.index = index;
    this.id = id(index);
    this.ip = `10.0.0.${index}`;
  }

  addressOf(peer: NodeId): string {
    return `10.0.0.${peer[0]}`;
  }

  deliver(_from: NodeId, message: Message): void {
    this.received.push(message);
  }
}

const bySequence = (a: Message, b: Message): number => (a.kind === 'nack' && b.kind === 'nack' ? a.sequence - b.sequence : 0);

let schedule: Schedule;
let network: PacketNetwork;
let one: TestStation;
let two: TestStation;

beforeEach(() => {
  schedule = new Schedule(100_000);
  network = new PacketNetwork(schedule, new Prng(1), new Trace(undefined), CALM);
  [one, two] = [new TestStation(1), new TestStation(2)];
  network.attach(one);
  network.attach(two);
});

function sendMany(count: number, message: (n: number) => Message): readonly Message[] {
  for (let n = 0; n < count; n++) network.send(one, two.id, message(n));
  schedule.runUntil(schedule.nowMs + 10_000);
  return two.received;
}

test('a packet arrives after its latency, as it was', () => {
  network.send(one, two.id, nack(7));
  schedule.runUntil(0.25);
  expect(two.received).toEqual([]);
  schedule.runUntil(2.5);
  expect(two.received).toEqual([nack(7)]);
});

test('loss, duplication and reordering come in the shares asked for', () => {
  network.worsen({ loss: 0.3 });
  expect(Math.abs(sendMany(2_000, nack).length - 1_400)).toBeLessThan(100);
  two.received.length = 0;
  network.settle({ ...CALM, duplication: 0.2, latency: AT_ONCE, reordering: 0.1, reorderMs: 50 });
  network.worsen({ loss: 0 });
  const received = sendMany(1_000, nack).map((message) => (message.kind === 'nack' ? message.sequence : -1));
  expect(new Set(received).size).toBe(1_000);
  expect(Math.abs(received.length - 1_200)).toBeLessThan(60);
  expect(received).not.toEqual(received.toSorted((a, b) => a - b));
});

test('what worsens the network ends by itself, whatever else began or ended meanwhile', () => {
  const endLoss = network.worsen({ loss: 1 });
  const endSlow = network.worsen({ extraMs: 100 });
  endLoss();
  endSlow();
  network.send(one, two.id, nack(1));
  schedule.runUntil(2.5);
  expect(two.received).toHaveLength(1);
});

test('a block in one direction stops datagrams one way and streams both ways', () => {
  const end = network.block((from) => from === 2);
  expect(sendMany(1, nack)).toHaveLength(1);
  expect(sendMany(1, () => stream)).toHaveLength(1);
  end();
  expect(sendMany(1, () => stream)).toHaveLength(2);
});

test('a clogged link delivers nothing for a while, then everything at once and in order', () => {
  const end = network.clog((_from, to) => to === 2);
  expect(sendMany(3, nack)).toEqual([]);
  end();
  schedule.runUntil(schedule.nowMs);
  expect(two.received.toSorted(bySequence)).toEqual([nack(0), nack(1), nack(2)]);
  expect(sendMany(1, nack)).toHaveLength(4);
});

test('what a clogged link can keep is bounded', () => {
  const end = network.clog(() => true);
  sendMany(KEPT + 5, nack);
  end();
  schedule.runUntil(schedule.nowMs);
  expect(two.received).toHaveLength(KEPT);
  expect(network.traffic.lost).toBe(5);
});

test('a slow link is late by so much, the others are not', () => {
  const end = network.delay((from) => from === 1, 500);
  network.send(one, two.id, nack(1));
  network.send(two, one.id, nack(2));
  schedule.runUntil(400);
  expect(one.received).toHaveLength(1);
  expect(two.received).toHaveLength(0);
  end();
  schedule.runUntil(600);
  expect(two.received).toHaveLength(1);
});

test('nodes of one site are nearer than those of two', () => {
  network.settle({ ...CALM, sites: 2, farMs: 60 });
  const three = new TestStation(3);
  network.attach(three);
  network.send(one, three.id, nack(1));
  network.send(one, two.id, nack(2));
  schedule.runUntil(5);
  expect([three.received.length, two.received.length]).toEqual([1, 0]);
  schedule.runUntil(70);
  expect(two.received).toHaveLength(1);
});

test('a log-normal latency has its median, a long tail and a bound', () => {
  const random = new Prng(3);
  const drawn = Array.from({ length: 4_000 }, () => drawLatency({ kind: 'log-normal', medianMs: 10, sigma: 1, mostMs: 300 }, random));
  const sorted = drawn.toSorted((a, b) => a - b);
  expect(Math.abs((sorted[2_000] ?? 0) - 10)).toBeLessThan(1);
  expect(sorted[3_960] ?? 0).toBeGreaterThan(70);
  expect(sorted.at(-1)).toBeLessThanOrEqual(300);
});

test('a datagram reaches whoever has the address, a stream only whom it was meant for', () => {
  const three = new TestStation(3);
  two.ip = '10.0.0.9';
  network.attach(two);
  three.ip = '10.0.0.2';
  network.attach(three);
  sendMany(1, nack);
  sendMany(1, () => stream);
  expect(two.received).toEqual([]);
  expect(three.received).toEqual([nack(0)]);
});

test('nothing arrives at a station that is down', () => {
  two.up = false;
  expect(sendMany(3, nack)).toEqual([]);
  expect(network.traffic.lost).toBe(3);
});
