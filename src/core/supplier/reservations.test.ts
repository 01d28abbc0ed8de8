/** Holds: idempotence, expiry, bounds. */
import { beforeEach, expect, test } from 'vitest';
import { Prng } from '../../lib/prng.ts';
import { LIMITS, nodeId, requestId } from '../model/index.ts';
import type { Event, Member, Message, Need, NodeId, Timer, Turn } from '../model/index.ts';
import { Supplier } from './supplier.ts';
import { SUPPLIER } from './tunables.ts';

const capacity = { cpuMillicores: 1_000_000, memoryBytes: 1_000_000 };
const [me, buyer, trader] = ['a', 'b', 'c'].map((digit) => nodeId(digit.repeat(32))) as [NodeId, NodeId, NodeId];
const self = { id: me, name: 'me', class: 'low', arch: 'amd64', labels: {}, draining: false, capacity } as unknown as Member;
const request = (n: number) => requestId(n.toString(16).padStart(32, '0'));

let supplier: Supplier;
let sent: [NodeId, Message][];
let timers: [Timer, number][];
let events: Event[];
let turn: Turn;

beforeEach(() => {
  sent = [];
  timers = [];
  events = [];
  supplier = new Supplier({
    self: () => self,
    containersOf: () => [],
    nextOrderId: () => 1 as never,
    incarnation: 3,
    containers: [],
    tombstones: [],
    running: [],
    exited: [],
  });
  turn = {
    nowMs: 0,
    wallMs: 0,
    random: new Prng(1),
    send: (to, message) => sent.push([to, message]),
    setTimer: (timer, afterMs) => timers.push([timer, afterMs]),
    perform: () => {},
    reply: () => {},
    emit: (event) => events.push(event),
  };
});

function reserve(n: number, attempt = 1, change: Partial<Need> = {}, via = trader): void {
  const need: Need = {
    requestId: request(n),
    attempt,
    buyer,
    resources: { cpuMillicores: 100, memoryBytes: 100 },
    class: 'low',
    arches: [],
    constraints: [],
    affinities: [],
    hostPorts: [],
    vnis: [],
    exclude: [],
    policy: 'binpack',
    specDigest: '0'.repeat(16),
    ...change,
  };
  const region = { class: 'low', cpuBucket: 0, memoryBucket: 0 } as const;
  supplier.receive(turn, via, {
    kind: 'reserve',
    need,
    region,
    shard: 0,
    asked: 1,
    shedDone: false,
    refusals: 0,
    used: ['x'],
    trail: [],
    direct: false,
  });
}

const kinds = (): string[] => sent.splice(0).map(([to, { kind }]) => `${kind} to ${to[0] ?? ''}`);

test('accept goes to buyer and trader, a repetition of the reserve changes nothing', () => {
  reserve(1);
  expect(kinds()).toEqual(['accept to b', 'accept to c']);
  reserve(1);
  expect(kinds()).toEqual(['accept to b', 'accept to c']);
  expect(supplier.resources()).toMatchObject({ holds: 1, held: { cpuMillicores: 100, memoryBytes: 100 } });
});

test('a newer attempt takes the place of an older one; the older, coming late, is ignored', () => {
  reserve(1, 1);
  reserve(1, 2, { resources: { cpuMillicores: 300, memoryBytes: 300 } });
  expect(supplier.resources()).toMatchObject({ holds: 1, held: { cpuMillicores: 300, memoryBytes: 300 } });
  sent = [];
  reserve(1, 1);
  expect(sent).toEqual([]);
  supplier.receive(turn, buyer, { kind: 'cancel', requestId: request(1), attempt: 1, takeBack: false });
  expect(supplier.resources().holds).toBe(1);
  supplier.receive(turn, buyer, { kind: 'cancel', requestId: request(1), attempt: 2, takeBack: false });
  expect(supplier.resources()).toMatchObject({ holds: 0, held: { cpuMillicores: 0, memoryBytes: 0 } });
});

test('a cancel that overtakes its reserve still counts; only the buyer may cancel', () => {
  supplier.receive(turn, buyer, { kind: 'cancel', requestId: request(1), attempt: 1, takeBack: false });
  reserve(1, 1);
  expect(supplier.resources().holds).toBe(0);
  reserve(1, 2);
  supplier.receive(turn, trader, { kind: 'cancel', requestId: request(1), attempt: 2, takeBack: false });
  expect(supplier.resources().holds).toBe(1);
});

test('a hold ends after 5 s; a renewal makes the older timer stale; the accept is repeated once', () => {
  reserve(1);
  const expiry = timers.find(([timer]) => timer.name === 'hold');
  const repeat = timers.find(([timer]) => timer.name === 'repeat-accept');
  expect([expiry?.[1], repeat?.[1]]).toEqual([SUPPLIER.holdMs, SUPPLIER.repeatAcceptMs]);
  sent = [];
  supplier.timer(turn, (repeat as [Timer, number])[0]);
  supplier.timer(turn, (repeat as [Timer, number])[0]);
  expect(kinds()).toEqual(['accept to b']);
  supplier.receive(turn, buyer, { kind: 'renew', requestId: request(1), attempt: 1 });
  supplier.timer(turn, (expiry as [Timer, number])[0]);
  expect(supplier.resources().holds).toBe(1);
  const renewed = timers.findLast(([timer]) => timer.name === 'hold');
  supplier.timer(turn, (renewed as [Timer, number])[0]);
  expect(supplier.resources()).toMatchObject({ holds: 0, held: { cpuMillicores: 0, memoryBytes: 0 } });
  expect(events.at(-1)).toMatchObject({ kind: 'hold-released', why: 'expired' });
});

test('a refusal echoes the find and says what is free', () => {
  reserve(1, 1, { resources: { cpuMillicores: 2_000_000, memoryBytes: 1 } });
  expect(sent).toHaveLength(1);
  expect(sent[0]).toEqual([
    trader,
    expect.objectContaining({ kind: 'refuse', reason: 'cpu', detail: 'needs 2000 CPUs, 1000 free', used: ['x'], asked: 1, free: capacity }),
  ]);
});

test('holds are bounded per buyer, per trader and in all', () => {
  const tiny = { cpuMillicores: 1, memoryBytes: 1 };
  for (let n = 1; n <= LIMITS.holdsPerBuyer + 1; n++) reserve(n, 1, { resources: tiny });
  expect(supplier.resources().holds).toBe(LIMITS.holdsPerBuyer);
  expect(sent.at(-1)?.[1]).toMatchObject({ kind: 'refuse', reason: 'holds' });
  const another = (n: number) => nodeId(n.toString(16).padStart(32, '0'));
  for (let n = 1000; n < 3000; n++) reserve(n, 1, { resources: tiny, buyer: another(n) });
  expect(supplier.resources().holds).toBe(LIMITS.holdsPerTrader);
  expect(sent.at(-1)?.[1]).toMatchObject({ kind: 'refuse', reason: 'holds', detail: 'keeps 768 holds that this trader sent already' });
  for (let n = 3000; n < 5000; n++) reserve(n, 1, { resources: tiny, buyer: another(n) }, another(n));
  expect(supplier.resources().holds).toBe(LIMITS.holds);
});

test('what is asked of us counts our own hold for the same request as free, and holds nothing', () => {
  reserve(1, 1, { resources: capacity });
  const need = wholeNeed();
  sent = [];
  supplier.receive(turn, buyer, { kind: 'ask', need });
  supplier.receive(turn, buyer, { kind: 'ask', need: { ...need, requestId: request(2) } });
  expect(sent.map(([, message]) => message)).toMatchObject([
    { kind: 'answer', reason: undefined, free: capacity },
    { kind: 'answer', reason: 'memory', free: { cpuMillicores: 0, memoryBytes: 0 } },
  ]);
});

test('a node that leaves refuses and offers nothing', () => {
  supplier.leave();
  reserve(1);
  expect(sent[0]?.[1]).toMatchObject({ kind: 'refuse', reason: 'draining', detail: 'me is leaving' });
  expect(supplier.offered()).toBeUndefined();
});

function wholeNeed(): Need {
  return {
    requestId: request(1),
    attempt: 2,
    buyer,
    resources: capacity,
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
}
