/** One hold that becomes several containers: a co-location group's. */
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { Prng } from '../../lib/prng.ts';
import { NO_RESOURCES, add, containerId, nodeId, requestId } from '../model/index.ts';
import type { GroupHold, Launch, Member, Message, Need, NodeId, Order, OrderId, Request, Resources, Timer, Turn } from '../model/index.ts';
import { digestOf, groupDigest } from '../model/digest.ts';
import { Supplier } from './supplier.ts';

const capacity = { cpuMillicores: 1_000, memoryBytes: 1_000 };
const [me, buyer, stranger] = ['a', 'b', 'c'].map((digit) => nodeId(digit.repeat(32))) as [NodeId, NodeId, NodeId];
const self = { id: me, name: 'me', class: 'low', arch: 'amd64', labels: {}, draining: false, capacity } as unknown as Member;
const SPEC = '{}';

let supplier: Supplier;
let sent: Message[];
let timers: Timer[];
let orders: Order[];
let turn: Turn;

beforeEach(() => {
  [sent, timers, orders] = [[], [], []];
  let lastOrder = 0;
  supplier = new Supplier({
    self: () => self,
    containersOf: () => [],
    nextOrderId: () => ++lastOrder as OrderId,
    incarnation: 1,
    containers: [],
    tombstones: [],
    running: [],
    exited: [],
  });
  turn = {
    nowMs: 0,
    wallMs: 0,
    random: new Prng(1),
    send: (_, message) => sent.push(message),
    setTimer: (timer) => timers.push(timer),
    perform: (order) => orders.push(order),
    reply: () => {},
    emit: () => {},
  };
});

const idOf = (n: number) => requestId(n.toString(16).padStart(32, '0'));
const requestOf = (n: number, resources: Resources): Request => ({
  id: idOf(n),
  containerId: containerId(n.toString(16).padStart(64, '0')),
  name: `part-${n}`,
  resources,
  class: 'low',
  arches: [],
  constraints: [],
  affinities: [],
  hostPorts: [],
  vnis: [],
  labels: {},
  image: '',
  policy: 'binpack',
  restart: { name: 'no', maximumRetries: 0 },
  autoRemove: false,
  stopSignal: 'TERM',
  stopTimeoutMs: 1_000,
  spec: SPEC,
});
const groupOf = (...parts: readonly Resources[]): GroupHold => ({
  hold: idOf(1),
  parts: parts.map((resources, i) => ({ requestId: idOf(i + 1), resources, specDigest: digestOf(SPEC) })),
});
const cpu = (cpuMillicores: number): Resources => ({ cpuMillicores, memoryBytes: 100 });

function reserve(group: GroupHold, change: Partial<Need> = {}): void {
  const resources = group.parts.reduce((sum, part) => add(sum, part.resources), NO_RESOURCES);
  const need: Need = {
    requestId: group.hold,
    attempt: 1,
    buyer,
    resources,
    class: 'low',
    arches: [],
    constraints: [],
    affinities: [],
    hostPorts: [],
    vnis: [],
    exclude: [],
    policy: 'binpack',
    specDigest: groupDigest(group.parts),
    ...change,
  };
  const region = { class: 'low', cpuBucket: 0, memoryBucket: 0 } as const;
  const progress = { region, shard: 0, asked: 0, shedDone: false, refusals: 0, used: [], trail: [], direct: true };
  supplier.receive(turn, buyer, { kind: 'reserve', need, ...progress });
}

function launch(group: GroupHold, n: number, change: Partial<Launch> = {}, from = buyer): Message | undefined {
  sent = [];
  const resources = group.parts[n - 1]?.resources ?? NO_RESOURCES;
  supplier.receive(turn, from, { kind: 'launch', request: requestOf(n, resources), attempt: 1, placement: '', group, ...change });
  return sent[0];
}

/** Everything ordered so far worked. */
function settle(): void {
  for (let order = orders.shift(); order !== undefined; order = orders.shift()) supplier.answer(turn, order.id, { ok: true });
}

const refusal = (code: string) => expect.objectContaining({ kind: 'launch-refused', error: expect.objectContaining({ code }) as unknown });

test('part by part, in any order; what is held stays the same, and at the end there is no hold', () => {
  const group = groupOf(cpu(500), cpu(300), cpu(200));
  reserve(group);
  expect(supplier.resources()).toMatchObject({ held: { cpuMillicores: 1_000, memoryBytes: 300 }, holds: 1 });
  for (const n of [2, 3, 1]) {
    expect(launch(group, n)).toBeUndefined();
    settle();
    expect(sent.map((message) => 'phase' in message && message.phase)).toEqual(['recorded', 'ready']);
    expect(supplier.resources()).toMatchObject({ held: { cpuMillicores: 1_000, memoryBytes: 300 }, holds: n === 1 ? 0 : 1 });
  }
  expect(supplier.containers()).toHaveLength(3);
});

test('any split of any amounts, parts of nothing among them: never oversold, and all is given back', () => {
  const amount = fc.record({ cpuMillicores: fc.nat(400), memoryBytes: fc.nat(400) });
  fc.assert(
    fc.property(fc.array(amount, { minLength: 1, maxLength: 6 }), fc.nat(6), (amounts, launched) => {
      supplier = new Supplier({
        self: () => self,
        containersOf: () => [],
        nextOrderId: () => 1 as OrderId,
        incarnation: 1,
        containers: [],
        tombstones: [],
        running: [],
        exited: [],
      });
      const group = groupOf(...amounts);
      const whole = amounts.reduce(add, NO_RESOURCES);
      reserve(group);
      if (supplier.resources().holds === 0) return;
      for (let n = 1; n <= Math.min(launched, amounts.length); n++) {
        launch(group, n);
        expect(supplier.resources().held).toEqual(whole);
      }
      const left = amounts.slice(0, launched).reduce(add, NO_RESOURCES);
      supplier.receive(turn, buyer, { kind: 'cancel', requestId: group.hold, attempt: 1, takeBack: false });
      expect(supplier.resources()).toMatchObject({ held: left, holds: 0 });
    }),
  );
});

test('the rest goes back when it expires or is cancelled; what is launched stays', () => {
  const group = groupOf(cpu(500), cpu(300));
  reserve(group);
  launch(group, 1);
  const expiry = timers.findLast(({ name }) => name === 'hold') as Timer;
  const stale = timers.find(({ name }) => name === 'hold') as Timer;
  supplier.timer(turn, stale);
  expect(supplier.resources().holds).toBe(1);
  supplier.timer(turn, expiry);
  expect(supplier.resources()).toMatchObject({ held: cpu(500), holds: 0 });
  expect(launch(group, 2)).toEqual(refusal('no-room'));
});

test('a launch that its hold was not made for is refused, and takes nothing', () => {
  const group = groupOf(cpu(500), cpu(300));
  reserve(group);
  const other = { ...group, parts: [...group.parts, { requestId: idOf(3), resources: cpu(0), specDigest: digestOf(SPEC) }] };
  const split = groupOf(cpu(700), cpu(100));
  const huge = groupOf(cpu(Number.MAX_SAFE_INTEGER), cpu(-Number.MAX_SAFE_INTEGER + 800));
  const twice = { ...group, parts: [group.parts[0], group.parts[0]].filter((part) => part !== undefined) };
  expect(launch(other, 3)).toEqual(refusal('internal'));
  expect(launch(split, 1)).toEqual(refusal('internal'));
  expect(launch(huge, 1)).toEqual(refusal('internal'));
  expect(launch(twice, 1)).toEqual(refusal('internal'));
  expect(launch(group, 3)).toEqual(refusal('internal'));
  expect(launch(group, 1, { group: undefined })).toEqual(refusal('internal'));
  expect(launch(group, 1, { attempt: 2 })).toEqual(refusal('no-room'));
  expect(launch(group, 1, {}, stranger)).toEqual(refusal('no-room'));
  expect(launch({ ...group, hold: idOf(9) }, 1)).toEqual(refusal('no-room'));
  expect(launch(group, 1, { request: { ...requestOf(1, cpu(500)), spec: '{"other":1}' } })).toEqual(refusal('internal'));
  expect(launch(group, 1, { request: requestOf(1, cpu(800)) })).toEqual(refusal('internal'));
  expect(supplier.resources()).toMatchObject({ held: { cpuMillicores: 800, memoryBytes: 200 }, holds: 1 });
  expect(supplier.containers()).toEqual([]);
});

test('the same part twice, under another id of container, is refused', () => {
  const group = groupOf(cpu(500), cpu(300));
  reserve(group);
  launch(group, 1);
  const again = { ...requestOf(1, cpu(500)), containerId: containerId('f'.repeat(64)), name: 'again' };
  expect(launch(group, 1, { request: again })).toEqual(refusal('internal'));
  expect(supplier.resources()).toMatchObject({ held: { cpuMillicores: 800, memoryBytes: 200 } });
});

test('a container that was never started is taken back on its buyer’s word, once and durably', () => {
  const group = groupOf(cpu(500), cpu(300));
  reserve(group);
  launch(group, 1);
  settle();
  const takeBack = (from: NodeId): void => supplier.receive(turn, from, { kind: 'cancel', requestId: idOf(1), attempt: 1, takeBack: true });
  sent = [];
  takeBack(stranger);
  expect(orders).toEqual([]);
  takeBack(buyer);
  takeBack(buyer);
  expect(orders.map(({ kind }) => kind)).toEqual(['store-container']);
  settle();
  expect(sent).toEqual([refusal('cancelled')]);
  expect(supplier.resources()).toMatchObject({ held: NO_RESOURCES, holds: 0 });
  expect(launch(group, 1)).toEqual(refusal('cancelled'));
  expect(supplier.containers()).toEqual([]);
});

test('one that a user has started stays, and the buyer hears so; a plain cancel touches no ready container', () => {
  const group = groupOf(cpu(500));
  reserve(group);
  launch(group, 1);
  settle();
  supplier.receive(turn, buyer, { kind: 'cancel', requestId: idOf(1), attempt: 1, takeBack: false });
  expect(orders).toEqual([]);
  supplier.command(turn, 1 as never, { kind: 'start', containerId: requestOf(1, NO_RESOURCES).containerId });
  settle();
  sent = [];
  supplier.receive(turn, buyer, { kind: 'cancel', requestId: idOf(1), attempt: 1, takeBack: true });
  expect(sent).toMatchObject([{ kind: 'launched', phase: 'started' }]);
  expect(orders).toEqual([]);
});
