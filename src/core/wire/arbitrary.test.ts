import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  AFFINITY_SUBJECTS,
  CONSTRAINT_OPERATORS,
  CPU_CLASSES,
  ERROR_CODES,
  LAUNCH_PHASES,
  LIMITS,
  MEMBER_STATES,
  POLICIES,
  PORT_PROTOCOLS,
  REFUSAL_REASONS,
  RESTART_POLICIES,
} from '../model/index.ts';
import type {
  Affinity,
  Considered,
  Constraint,
  GroupHold,
  HostPort,
  Member,
  Message,
  MessageKind,
  NameKey,
  NameRow,
  Need,
  NetworkId,
  Offer,
  Request,
  Rumour,
  Seen,
} from '../model/index.ts';

/** Arbitrary messages of every kind, within the bounds that a correct node keeps. */

const digits = <Id extends string>(count: number): fc.Arbitrary<Id> =>
  fc.uint8Array({ minLength: count / 2, maxLength: count / 2 }).map((bytes) => Buffer.from(bytes).toString('hex') as Id);
const uint = fc.oneof(fc.nat(300), fc.maxSafeNat());
const sint = fc.integer({ min: -(2 ** 51), max: 2 ** 51 });
const text = (maxLength: number) =>
  fc.string({ maxLength: Math.floor(maxLength / 4), unit: 'grapheme-composite' }).filter((s) => fitsIn(s, maxLength));
const name = text(LIMITS.nameBytes);
const incarnation = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: LIMITS.incarnation }));
const attempt = uint;

const nodeId = digits<Need['buyer']>(32);
const containerId = digits<Request['containerId']>(64);
const requestId = digits<Request['id']>(32);
const cpuClass = fc.constantFrom(...CPU_CLASSES);
const arch = fc.constantFrom('', 'amd64', 'arm64', 'riscv64');
const reason = fc.constantFrom(...REFUSAL_REASONS);
const resources = fc.record({ cpuMillicores: sint, memoryBytes: sint });
const epoch = fc.record({ incarnation, counter: uint });
const region = fc.record({ class: cpuClass, cpuBucket: fc.integer({ min: -2, max: 20 }), memoryBucket: fc.integer({ min: -4, max: 30 }) });
const labels = fc.dictionary(text(24), text(24), { maxKeys: 4, noNullPrototype: true });
const address = fc.record({ ip: fc.oneof(fc.ipV4(), fc.ipV6()), controlPort: fc.nat(65_535), gossipPort: fc.nat(65_535) });

const member: fc.Arbitrary<Member> = fc.record({
  id: nodeId,
  name,
  number: uint,
  incarnation,
  state: fc.constantFrom(...MEMBER_STATES),
  address,
  class: cpuClass,
  arch,
  labels,
  capacity: resources,
  underlayMtu: fc.nat(65_535),
  version: text(64),
  draining: fc.boolean(),
});
const rumour: fc.Arbitrary<Rumour> = fc.oneof(
  fc.record({ kind: fc.constant('record' as const), member }),
  fc.record({
    kind: fc.constant('state' as const),
    shortId: digits<string>(16),
    incarnation,
    state: fc.constantFrom('suspect' as const, 'dead' as const, 'left' as const),
    from: digits<string>(16),
  }),
);
const hint = fc.record({ region, countLevel: fc.nat(64), splitLevel: fc.nat(32), stamp: uint });
const piggyback = {
  gossip: fc.array(rumour, { maxLength: 5 }),
  hints: fc.array(hint, { maxLength: 5 }),
  agreed: fc.option(fc.record({ epoch: uint, revision: uint }), { nil: undefined }),
};
const offer: fc.Arbitrary<Offer> = fc.record({
  supplier: nodeId,
  class: cpuClass,
  arch,
  free: resources,
  labels,
  name,
  draining: fc.boolean(),
  epoch,
  ttlMs: uint,
});
const constraint: fc.Arbitrary<Constraint> = fc.record({
  key: text(100),
  operator: fc.constantFrom(...CONSTRAINT_OPERATORS),
  value: text(100),
  soft: fc.boolean(),
});
const affinity: fc.Arbitrary<Affinity> = fc.record({
  subject: fc.constantFrom(...AFFINITY_SUBJECTS),
  key: text(100),
  operator: fc.constantFrom(...CONSTRAINT_OPERATORS),
  value: text(100),
  soft: fc.boolean(),
});
const hostPort: fc.Arbitrary<HostPort> = fc.record({
  protocol: fc.constantFrom(...PORT_PROTOCOLS),
  ip: fc.oneof(fc.constant(0), fc.nat(0xffff_ffff)),
  port: fc.integer({ min: 1, max: 65_535 }),
});
const matching = {
  resources,
  class: cpuClass,
  arches: fc.array(arch, { maxLength: 3 }),
  constraints: fc.array(constraint, { maxLength: 3 }),
  affinities: fc.array(affinity, { maxLength: 3 }),
  hostPorts: fc.array(hostPort, { maxLength: 3 }),
  vnis: fc.array(fc.nat(0xff_ffff), { maxLength: 3 }),
  policy: fc.constantFrom(...POLICIES),
};
const need: fc.Arbitrary<Need> = fc.record({
  ...matching,
  requestId,
  attempt,
  buyer: nodeId,
  exclude: fc.array(nodeId, { maxLength: 5 }),
  specDigest: digits<string>(16),
});
const request: fc.Arbitrary<Request> = fc.record({
  ...matching,
  id: requestId,
  containerId,
  name,
  restart: fc.record({ name: fc.constantFrom(...RESTART_POLICIES), maximumRetries: uint }),
  labels,
  image: text(200),
  autoRemove: fc.boolean(),
  stopSignal: fc.constantFrom('', 'SIGTERM', '9'),
  stopTimeoutMs: uint,
  spec: fc.oneof(fc.json(), text(20_000)),
});
const considered: fc.Arbitrary<Considered> = fc.record({
  nodeId,
  name,
  accepted: fc.boolean(),
  reason: fc.option(reason, { nil: undefined }),
  detail: text(256),
  free: fc.option(resources, { nil: undefined }),
  score: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }), { nil: undefined }),
});
const trail: fc.Arbitrary<readonly Seen[]> = fc.array(
  fc.record({
    nodeId,
    reason: fc.option(reason, { nil: undefined }),
    detail: text(64),
    free: resources,
    score: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }), { nil: undefined }),
  }),
  { maxLength: LIMITS.trail },
);
const finding = {
  need,
  region,
  shard: uint,
  asked: uint,
  shedDone: fc.boolean(),
  refusals: uint,
  used: fc.array(fc.constantFrom('low/0/1', 'high/-2/-4', 'low/12/14'), { maxLength: 8 }),
  trail,
};
const groupHold: fc.Arbitrary<GroupHold> = fc.record({
  hold: requestId,
  parts: fc.array(fc.record({ requestId, resources, specDigest: digits<string>(16) }), { maxLength: 5 }),
});
const error = fc.record({ code: fc.constantFrom(...ERROR_CODES), message: text(500), changed: fc.boolean() });

const nameKey: fc.Arbitrary<NameKey> = fc.oneof(
  fc.record({ kind: fc.constant('name' as const), name }),
  fc.record({ kind: fc.constant('id' as const), prefix: digits<string>(4) }),
  fc.record({ kind: fc.constant('label' as const), key: text(200) }),
  fc.record({ kind: fc.constant('image' as const), reference: text(200) }),
  fc.record({ kind: fc.constant('endpoint' as const), network: digits<NetworkId>(64), name: text(200) }),
);
const nameGone = fc.record({ key: nameKey, containerId });
const nameRow: fc.Arbitrary<NameRow> = fc.record({ key: nameKey, containerId, name, value: text(200), createdAtMs: uint });
const holder = fc.record({ containerId, node: nodeId });

const kind = <K extends MessageKind>(value: K): { readonly kind: fc.Arbitrary<K> } => ({ kind: fc.constant(value) });
type OfKind<K extends MessageKind> = Extract<Message, { kind: K }>;

export const messagesByKind: { readonly [K in MessageKind]: fc.Arbitrary<OfKind<K>> } = {
  ping: fc.record({ ...kind('ping'), sequence: uint, target: nodeId, ...piggyback }),
  'ping-request': fc.record({ ...kind('ping-request'), sequence: uint, target: nodeId, ...piggyback }),
  ack: fc.record({ ...kind('ack'), sequence: uint, ...piggyback }),
  nack: fc.record({ ...kind('nack'), sequence: uint }),
  gossip: fc.record({ ...kind('gossip'), ...piggyback }),
  'sync-request': fc.record({ ...kind('sync-request'), buckets: fc.array(fc.nat(0xffff_ffff), { maxLength: 256 }) }),
  'sync-reply': fc.record({
    ...kind('sync-reply'),
    members: fc.array(member, { maxLength: 20 }),
    wanted: fc.array(fc.nat(255), { maxLength: 256 }),
  }),
  publish: fc.record({ ...kind('publish'), region, shard: uint, offer }),
  withdraw: fc.record({ ...kind('withdraw'), region, shard: uint, epoch }),
  find: fc.record({ ...kind('find'), ...finding, plan: fc.boolean() }),
  'not-found': fc.record({ ...kind('not-found'), requestId, attempt, asked: uint, considered: fc.array(considered, { maxLength: 8 }) }),
  candidates: fc.record({ ...kind('candidates'), requestId, attempt, candidates: trail }),
  reserve: fc.record({ ...kind('reserve'), ...finding, direct: fc.boolean() }),
  cancel: fc.record({ ...kind('cancel'), requestId, attempt, takeBack: fc.boolean() }),
  renew: fc.record({ ...kind('renew'), requestId, attempt }),
  ask: fc.record({ ...kind('ask'), need }),
  launch: fc.record({ ...kind('launch'), request, attempt, placement: text(4_000), group: fc.option(groupHold, { nil: undefined }) }),
  accept: fc.record({ ...kind('accept'), requestId, attempt, free: resources, epoch, holdMs: uint, trail, buyer: nodeId }),
  refuse: fc.record({ ...kind('refuse'), ...finding, direct: fc.boolean(), reason, detail: text(256), free: resources, epoch }),
  answer: fc.record({
    ...kind('answer'),
    requestId,
    attempt,
    free: resources,
    epoch,
    reason: fc.option(reason, { nil: undefined }),
    detail: text(256),
  }),
  launched: fc.record({
    ...kind('launched'),
    requestId,
    containerId,
    attempt,
    phase: fc.constantFrom(...LAUNCH_PHASES),
  }),
  'launch-refused': fc.record({ ...kind('launch-refused'), requestId, containerId, attempt, error }),
  register: fc.record({
    ...kind('register'),
    epoch,
    ownerIncarnation: fc.option(
      epoch.map(({ incarnation }) => incarnation),
      { nil: undefined },
    ),
    rows: fc.array(nameRow, { maxLength: 8 }),
    gone: fc.array(nameGone, { maxLength: 8 }),
  }),
  registered: fc.record({ ...kind('registered'), epoch }),
  'name-claim': fc.record({
    ...kind('name-claim'),
    requestId,
    containerId,
    name,
    doubted: fc.option(holder, { nil: undefined }),
  }),
  'name-claimed': fc.record({ ...kind('name-claimed'), requestId, holder: fc.option(holder, { nil: undefined }) }),
  'name-release': fc.record({ ...kind('name-release'), containerId, name }),
  'name-conflict': fc.record({ ...kind('name-conflict'), containerId, name, keeper: holder, keeperCreatedAtMs: uint }),
  'look-up': fc.record({ ...kind('look-up'), question: uint, key: nameKey, own: fc.boolean() }),
  found: fc.record({
    ...kind('found'),
    question: uint,
    entries: fc.array(fc.record({ containerId, name, node: nodeId, value: text(200) }), { maxLength: 8 }),
    complete: fc.boolean(),
  }),
};

export const message: fc.Arbitrary<Message> = fc.oneof(...(Object.values(messagesByKind) as fc.Arbitrary<Message>[]));

test('the arbitraries cover every kind', () => {
  const seen = new Set(fc.sample(message, { numRuns: 2_000, seed: 1 }).map((m) => m.kind));
  expect([...seen].sort()).toEqual(Object.keys(messagesByKind).sort());
});

function fitsIn(value: string, bytes: number): boolean {
  // Control characters have no place in names; the codec refuses them.
  return Buffer.byteLength(value) <= bytes && !/\p{Cc}/u.test(value);
}
