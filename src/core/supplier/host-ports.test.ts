/** What a supplier makes of ports between hold and launch. */
import { beforeEach, expect, test } from 'vitest';
import { Prng } from '../../lib/prng.ts';
import { containerId, nodeId, requestId } from '../model/index.ts';
import type { ContainerId, GroupHold, HostPort, Launch, Member, Message, Need, NodeId, Request, Turn } from '../model/index.ts';
import { digestOf, groupDigest } from '../model/digest.ts';
import { Supplier } from './supplier.ts';

const one = { cpuMillicores: 10, memoryBytes: 10 };
const [me, buyer] = ['a', 'b'].map((digit) => nodeId(digit.repeat(32))) as [NodeId, NodeId];
const self = {
  id: me,
  name: 'me',
  class: 'low',
  arch: 'amd64',
  labels: {},
  draining: false,
  capacity: { cpuMillicores: 1_000, memoryBytes: 1_000 },
} as unknown as Member;
const SPEC = '{}';
const tcp = (port: number, ip = 0): HostPort => ({ protocol: 'tcp', ip, port });
const idOf = (n: number) => requestId(n.toString(16).padStart(32, '0'));
const containerOf = (n: number): ContainerId => containerId(n.toString(16).padStart(64, '0'));

let supplier: Supplier;
let sent: Message[];
let turn: Turn;

beforeEach(() => {
  sent = [];
  supplier = new Supplier({
    self: () => self,
    containersOf: (id) => [containerOf(Number.parseInt(id, 16))],
    nextOrderId: () => 1 as never,
    incarnation: 1,
    containers: [],
    tombstones: [],
    running: [],
    exited: [],
  });
  const nothing = (): void => {};
  turn = {
    nowMs: 0,
    wallMs: 0,
    random: new Prng(1),
    send: (_, message) => sent.push(message),
    setTimer: nothing,
    perform: nothing,
    reply: nothing,
    emit: nothing,
  };
});

const needOf = (n: number, hostPorts: readonly HostPort[], change: Partial<Need> = {}): Need => ({
  requestId: idOf(n),
  attempt: 1,
  buyer,
  resources: one,
  class: 'low',
  arches: [],
  constraints: [],
  affinities: [],
  hostPorts,
  vnis: [],
  exclude: [],
  policy: 'binpack',
  specDigest: digestOf(SPEC),
  ...change,
});

function reserve(n: number, hostPorts: readonly HostPort[], change: Partial<Need> = {}): Message | undefined {
  sent = [];
  const region = { class: 'low', cpuBucket: 0, memoryBucket: 0 } as const;
  const progress = { region, shard: 0, asked: 0, shedDone: false, refusals: 0, used: [], trail: [], direct: true };
  supplier.receive(turn, buyer, { kind: 'reserve', need: needOf(n, hostPorts, change), ...progress });
  return sent[0];
}

function launch(n: number, hostPorts: readonly HostPort[], group?: GroupHold, vnis: readonly number[] = []): Message | undefined {
  sent = [];
  const request = { id: idOf(n), containerId: containerOf(n), name: `c${n}`, resources: one, affinities: [], hostPorts, vnis, spec: SPEC };
  const message = { kind: 'launch', request: request as unknown as Request, attempt: 1, placement: '', group } as Launch;
  supplier.receive(turn, buyer, message);
  return sent[0];
}

const groupOf = (...numbers: readonly number[]): GroupHold => ({
  hold: idOf(numbers[0] ?? 0),
  parts: numbers.map((n) => ({ requestId: idOf(n), resources: one, specDigest: digestOf(SPEC) })),
});
const reserveGroup = (group: GroupHold, hostPorts: readonly HostPort[]): Message | undefined =>
  reserve(1, hostPorts, {
    resources: { cpuMillicores: 10 * group.parts.length, memoryBytes: 10 * group.parts.length },
    specDigest: groupDigest(group.parts),
  });
const port = (detail: string) => expect.objectContaining({ kind: 'refuse', reason: 'port', detail }) as unknown;

test('a hold has its ports, until it is launched, given back or replaced by a newer attempt', () => {
  expect(reserve(1, [tcp(80)])).toMatchObject({ kind: 'accept' });
  expect(reserve(2, [tcp(80)])).toEqual(port('80/tcp is taken by a run under way'));
  expect(reserve(1, [tcp(81)], { attempt: 2 })).toMatchObject({ kind: 'accept' });
  expect(reserve(2, [tcp(80)])).toMatchObject({ kind: 'accept' });
  supplier.receive(turn, buyer, { kind: 'cancel', requestId: idOf(2), attempt: 1, takeBack: false });
  expect(reserve(3, [tcp(80)])).toMatchObject({ kind: 'accept' });
  expect(launch(3, [tcp(80)])).toBeUndefined();
  expect(reserve(4, [tcp(80, 5), tcp(9)])).toEqual(port('0.0.0.5:80/tcp is taken by c3'));
});

test('who asks hears of it, his own hold apart', () => {
  reserve(1, [tcp(80)]);
  const ask = (n: number): Message | undefined => {
    sent = [];
    supplier.receive(turn, buyer, { kind: 'ask', need: needOf(n, [tcp(80)], { attempt: 2 }) });
    return sent[0];
  };
  expect(ask(1)).toMatchObject({ kind: 'answer', reason: undefined });
  expect(ask(2)).toMatchObject({ kind: 'answer', reason: 'port', detail: '80/tcp is taken by a run under way' });
});

test('a launch carries no port that was not held', () => {
  reserve(1, [tcp(80, 5)]);
  for (const ports of [[tcp(80)], [tcp(80, 5), tcp(81)], [{ ...tcp(80, 5), protocol: 'udp' as const }]])
    expect(launch(1, ports)).toMatchObject({ kind: 'launch-refused', error: { code: 'internal' } });
  expect(launch(1, [tcp(80, 5)])).toBeUndefined();
});

test('parts of a group have the ports of its one hold, each once', () => {
  const group = groupOf(1, 2, 3);
  expect(reserveGroup(group, [tcp(80), tcp(81)])).toMatchObject({ kind: 'accept' });
  expect(launch(2, [tcp(81)], group)).toBeUndefined();
  expect(reserve(9, [tcp(80)])).toEqual(port('80/tcp is taken by a run under way'));
  expect(launch(3, [tcp(81)], group)).toMatchObject({
    kind: 'launch-refused',
    error: { code: 'no-room', message: 'port 81/tcp is taken by c2 on me' },
  });
  expect(supplier.resources()).toMatchObject({ holds: 0, held: one });
});

test('what the host lost between hold and launch is told, and the hold is given back', () => {
  reserve(1, [tcp(80)]);
  supplier.hostFacts({ busyPorts: [{ ...tcp(80), owner: undefined, by: 'nginx (pid 7)' }], closedNetworks: [] });
  expect(launch(1, [tcp(80)])).toMatchObject({ kind: 'launch-refused', error: { message: 'port 80/tcp is taken by nginx (pid 7) on me' } });
  expect(supplier.resources().holds).toBe(0);
  supplier.hostFacts({ busyPorts: [{ ...tcp(80), owner: containerOf(2), by: 'c2' }], closedNetworks: [{ vni: 9, why: 'no vxlan here' }] });
  expect(reserve(3, [tcp(80)])).toEqual(port('80/tcp is taken by c2'));
  expect(reserve(2, [tcp(80)])).toMatchObject({ kind: 'accept' });
  expect(launch(2, [tcp(80)])).toBeUndefined();
  reserve(4, []);
  expect(launch(4, [], undefined, [9])).toMatchObject({
    kind: 'launch-refused',
    error: { code: 'no-room', message: "me can't be on its network: no vxlan here" },
  });
});
