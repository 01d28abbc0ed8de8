/** Well-formed messages that no correct node would send: they may be ignored, but never break a rule of ours. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LIMITS, requestId } from '../model/index.ts';
import type { Message, Request, Result, Rumour } from '../model/index.ts';
import { messagesByKind } from '../wire/arbitrary.test.ts';
import { TestInstance, room } from './test-instance.ts';
import type { TestNode } from './test-instance.ts';
import { instanceOf } from './test-words.ts';

const kinds = [
  'publish',
  'withdraw',
  'find',
  'reserve',
  'accept',
  'refuse',
  'not-found',
  'candidates',
  'cancel',
  'renew',
  'ask',
  'answer',
] as const;
const launches = ['launch', 'launched', 'launch-refused'] as const;
const hostile = fc.oneof(...[...kinds, ...launches].map((kind) => messagesByKind[kind] as fc.Arbitrary<Message>));

test('arbitrary messages from a member, among them some about a run that is under way', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(hostile, fc.boolean(), fc.nat(300)), { maxLength: 40 }), fc.nat(), (steps, seed) => {
      const instance = instanceOf(2, room(2, 512), seed);
      const [a, b] = instance.nodes as [TestNode, TestNode];
      const request = instance.request(room(1, 64));
      const id = instance.command(a, { kind: 'run', request, exclude: [] });
      for (const [message, aimed, waitMs] of steps) {
        instance.deliver(b.record.id, a, aimed ? aim(message, request.id, instance) : message);
        instance.run(waitMs);
      }
      for (let waitedMs = 0; waitedMs < 600_000 && !instance.results.has(id); waitedMs += 1_000) instance.run(1_000);
      instance.run(6_000);
      expect(instance.result(id)).toBeDefined();
      expect(a.node.resources().holds).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test('the same about a stack and a plan: each is answered once, and nothing stays held', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(hostile, fc.nat(8), fc.nat(300)), { maxLength: 40 }), fc.nat(), (steps, seed) => {
      const instance = instanceOf(2, room(2, 512), seed);
      const [a, b] = instance.nodes as [TestNode, TestNode];
      const draw = () => ['pod', 'pod', 'apart', undefined].map((group) => ({ request: instance.request(room(0.4, 64)), group }));
      const [parts, looked] = [draw(), draw()];
      const groups = [
        { name: 'pod', policy: 'co-location' },
        { name: 'apart', policy: 'spread' },
      ] as const;
      const stack = { id: requestId(instance.random.hex(16)), groups, parts };
      const planned = { ...stack, parts: looked, id: requestId(instance.random.hex(16)) };
      const ids = [
        instance.command(a, { kind: 'plan', stack: planned, exclude: [] }),
        instance.command(a, { kind: 'run-stack', stack, exclude: [] }),
      ];
      for (const [message, part, waitMs] of steps) {
        const request = [...parts, ...looked][part]?.request;
        instance.deliver(b.record.id, a, request === undefined ? message : aim(message, request.id, instance));
        instance.run(waitMs);
      }
      for (let waitedMs = 0; waitedMs < 600_000 && !ids.every((id) => instance.results.has(id)); waitedMs += 1_000) instance.run(1_000);
      instance.run(6_000);
      for (const id of ids) expect(instance.result(id)).toBeDefined();
      expect(a.node.resources().holds).toBe(0);
      expect(a.node.runs()).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('arbitrary messages about names, among them some about ours: the run ends, nothing is left, no name is had twice', () => {
  const kinds = ['register', 'registered', 'name-claim', 'name-claimed', 'name-release', 'name-conflict', 'look-up', 'found'] as const;
  const talk = fc.oneof(
    ...[...kinds, 'cancel', 'renew'].map((kind) => messagesByKind[kind as keyof typeof messagesByKind] as fc.Arbitrary<Message>),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(talk, fc.nat(3), fc.nat(300)), { maxLength: 50 }), fc.nat(), (steps, seed) => {
      const instance = instanceOf(2, room(2, 512), seed);
      const [a, b] = instance.nodes as [TestNode, TestNode];
      const there = instance.request(room(0.1, 16), { name: 'web' });
      expect(instance.ask(a, { kind: 'run', request: there, exclude: [] })).toMatchObject({ ok: true });
      const request = instance.request(room(1, 64), { name: 'api' });
      const id = instance.command(a, { kind: 'run', request, exclude: [] });
      for (const [message, whose, waitMs] of steps) {
        const ours = [there, request][whose];
        instance.deliver(b.record.id, a, ours === undefined ? message : about(message, ours));
        instance.run(waitMs);
      }
      instance.run(100_000);
      expect(instance.result(id)).toBeDefined();
      expect(a.node.resources().holds).toBe(0);
      expect(a.node.sizes()).toMatchObject({ questions: 0, claims: 0 });
      const names = instance.nodes.flatMap(({ node }) => node.containers()).map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
    }),
    { numRuns: 40 },
  );
});

/** The same message, about that container, as far as it speaks of one. */
function about(message: Message, { id: requestId, containerId, name }: Request): Message {
  if (message.kind === 'register')
    return { ...message, rows: message.rows.map((row) => ({ ...row, key: { kind: 'name', name }, name, containerId })) };
  return {
    ...message,
    ...('requestId' in message && { requestId }),
    ...('containerId' in message && { containerId }),
    ...('name' in message && { name }),
  };
}

test('arbitrary membership messages, among them claims about us under the highest incarnations', () => {
  const swim = fc.oneof(
    ...(['ping', 'ping-request', 'ack', 'gossip', 'sync-reply'] as const).map((kind) => messagesByKind[kind] as fc.Arbitrary<Message>),
  );
  const incarnation = fc.oneof(fc.nat(9), fc.constantFrom(LIMITS.incarnation, LIMITS.incarnation - 1));
  fc.assert(
    fc.property(fc.array(fc.tuple(swim, incarnation), { maxLength: 20 }), fc.nat(), (steps, seed) => {
      const instance = instanceOf(2, room(2, 512), seed);
      const [a, b] = instance.nodes as [TestNode, TestNode];
      for (const [message, claimed] of steps) {
        const ours: Rumour = {
          kind: 'state',
          shortId: a.record.id.slice(0, 16),
          incarnation: claimed,
          state: 'dead',
          from: '0'.repeat(16),
        };
        instance.deliver(b.record.id, a, 'gossip' in message ? { ...message, gossip: [...message.gossip, ours] } : message);
        instance.run(500);
      }
      expect(a.node.self().incarnation).toBeLessThanOrEqual(LIMITS.incarnation);
    }),
    { numRuns: 40 },
  );
});

/** The same message, about our run, from somebody who knows its id. */
function aim(message: Message, requestId: ReturnType<TestInstance['request']>['id'], instance: TestInstance): Message {
  const attempt = 1 + instance.random.int(3);
  if ('need' in message)
    return { ...message, need: { ...message.need, requestId, attempt, buyer: instance.nodes[1]?.record.id ?? message.need.buyer } };
  if (message.kind === 'name-claim' || message.kind === 'name-claimed') return { ...message, requestId };
  if ('requestId' in message) return { ...message, requestId, attempt };
  return message;
}

test('an amount below zero makes no room', () => {
  const instance = instanceOf(2);
  const [a, b] = instance.nodes as [TestNode, TestNode];
  const request = instance.request({ cpuMillicores: -1000, memoryBytes: -1 });
  const need = {
    requestId: request.id,
    attempt: 1,
    buyer: b.record.id,
    resources: request.resources,
    class: 'low',
    arches: [],
    constraints: [],
    affinities: [],
    hostPorts: [],
    vnis: [],
    exclude: [],
    policy: 'binpack',
    specDigest: '0'.repeat(16),
  } as const;
  const region = { class: 'low', cpuBucket: 0, memoryBucket: 0 } as const;
  instance.deliver(b.record.id, a, {
    kind: 'reserve',
    need,
    region,
    shard: 0,
    asked: 0,
    shedDone: false,
    refusals: 0,
    used: [],
    trail: [],
    direct: true,
  });
  expect(a.node.resources()).toMatchObject({ held: room(0, 0), free: room(2, 512), holds: 0 });
  expect(instance.ask(b, { kind: 'run', request, exclude: [] })).toMatchObject({ ok: false, error: { code: 'invalid-request' } });
});

test('a request that no message can carry is refused at once, naming what is too much', () => {
  const instance = instanceOf(2);
  const [a] = instance.nodes as [TestNode];
  const run = (change: Partial<Request>): Result =>
    instance.ask(a, { kind: 'run', request: instance.request(room(1, 64), change), exclude: [] }, 1_000);
  const refusal = (message: string) => ({
    ok: false,
    error: { code: 'invalid-request', message: expect.stringContaining(message), changed: false },
  });
  expect(run({ stopSignal: 'SIG'.padEnd(40, 'X') })).toMatchObject(refusal('stopSignal: takes at most 16 bytes of text, got 40'));
  expect(run({ stopTimeoutMs: 1e18 })).toMatchObject(refusal('stopTimeoutMs: needs an integer'));
  expect(run({ constraints: [{ key: 'zone', operator: '==', value: 'x'.repeat(400), soft: false }] })).toMatchObject(
    refusal('constraints.value: takes at most 320'),
  );
  expect(run({ resources: { cpuMillicores: 1, memoryBytes: 2 ** 53 - 1 } })).toMatchObject(
    refusal('memoryBytes: needs an integer of 52 bits'),
  );
});
