/** More than 64 nodes: not everybody is asked, traders and the name directory tell whom to ask. */
import { beforeAll, expect, test } from 'vitest';
import { assert } from '../../lib/assert.ts';
import { DISCOVERY } from '../discovery/tunables.ts';
import { LIMITS, requestId } from '../model/index.ts';
import type { Affinity, CommandId, NameKey, NodeId, Request, Result, Stack } from '../model/index.ts';
import { TestInstance, room } from './test-instance.ts';
import type { TestNode } from './test-instance.ts';
import { placed, refused } from './test-words.ts';

const NODES = 66;
const instance = new TestInstance(1);

beforeAll(() => {
  for (let i = 0; i < NODES; i++) {
    instance.add(room(1, 256));
    instance.run(100);
  }
  instance.run(12_000);
  for (const { node } of instance.nodes)
    assert(node.members().filter(({ state }) => state === 'alive').length === NODES, 'not all have met');
}, 60_000);

const at = (i: number): TestNode => instance.nodes[i] as TestNode;
const run = (change: Partial<Request>, amount = room(0.1, 16)): Result =>
  instance.ask(at(0), { kind: 'run', request: instance.request(amount, change), exclude: [] });
const affinity = (operator: Affinity['operator'], value: string, change: Partial<Affinity> = {}): Affinity => ({
  subject: 'container',
  key: '',
  operator,
  value,
  soft: false,
  ...change,
});

/** How many of each kind were sent while it ran. */
function sentBy(act: () => void): (kind: 'ask' | 'answer' | 'candidates' | 'reserve' | 'accept') => number {
  const before = new Map(instance.sent);
  act();
  const after = new Map(instance.sent);
  return (kind) => (after.get(kind) ?? 0) - (before.get(kind) ?? 0);
}

test('affinities: the name directory says where, and only those nodes are asked', () => {
  const far = at(40);
  const pin = { constraints: [{ key: 'node', operator: '==', value: far.record.name, soft: false }] } as const;
  placed(run({ name: 'db', image: 'docker.io/library/redis:latest', labels: { app: 'store' }, ...pin }));
  instance.run(5_000);
  const near = (wanted: Affinity, amount?: Request['resources']): Result => run({ affinities: [wanted] }, amount);
  const sent = sentBy(() => {
    expect(placed(near(affinity('==', 'db'))).supplier).toBe(far.record.id);
    expect(placed(near(affinity('==', 's*', { subject: 'label', key: 'app' }))).supplier).toBe(far.record.id);
    expect(placed(near(affinity('==', 'redis', { subject: 'image' }))).supplier).toBe(far.record.id);
  });
  expect(sent('ask')).toBe(3);
  for (let i = 0; i < 3; i++) expect(placed(near(affinity('!=', 'db'))).supplier).not.toBe(far.record.id);
  expect(refused(near(affinity('==', 'nobody'))).error.message).toBe('no node can take it: none of 66 nodes meets container==nobody');
  expect(refused(near(affinity('==', 'db'), room(1, 64))).error.message).toBe(
    'no node has 1 CPU and 64 MiB free: of 1 node with container==db 1 lacks CPU (best: node-41 with 0.6 CPUs)',
  );
  const glob = refused(near(affinity('==', 'nob*'))).error.message;
  expect(glob).toContain('where container==nob* is met could not be looked up: name it in full');
  expect(at(0).node.resources().holds).toBe(0);
});

test('a plan: a trader names its best, they are asked, and no offer is touched', () => {
  const offers = (): unknown => instance.nodes.map(({ node }) => node.offers());
  const before = offers();
  const parts = Array.from({ length: 12 }, () => ({ request: instance.request(room(0.9, 200)), group: undefined }));
  const stack: Stack = { id: requestId(instance.random.hex(16)), groups: [], parts };
  let nodes: readonly NodeId[] = [];
  const sent = sentBy(() => {
    const result = instance.ask(at(9), { kind: 'plan', stack, exclude: [] });
    nodes = result.ok && result.kind === 'planned' ? result.parts.map(({ supplier }) => supplier) : [];
  });
  expect([sent('reserve'), sent('accept')]).toEqual([0, 0]);
  expect(sent('candidates')).toBeGreaterThan(0);
  expect(new Set(nodes).size).toBe(12);
  expect(offers()).toEqual(before);
  placed(run({}, room(1, 256)));
});

test('a stack is placed whole: a group together, a group apart', () => {
  const groups = [
    { name: 'pod', policy: 'co-location' },
    { name: 'apart', policy: 'spread' },
  ] as const;
  const names = ['pod', 'pod', ...Array.from({ length: 20 }, () => 'apart')];
  const parts = names.map((group) => ({ request: instance.request(room(0.3, 64)), group }));
  const result = instance.ask(at(5), {
    kind: 'run-stack',
    stack: { id: requestId(instance.random.hex(16)), groups, parts },
    exclude: [],
  });
  const nodes = result.ok && result.kind === 'stack-placed' ? result.parts.map(({ supplier }) => supplier) : [];
  expect(nodes[0]).toBe(nodes[1]);
  expect(new Set(nodes.slice(2)).size).toBe(20);
});

test('a run cancelled while its affinities are looked up is answered once and goes on with nothing', () => {
  const buyer = at(3);
  let cancelled = 0;
  for (const value of ['nobody-1', 'nobody-2', 'nobody-3', 'nobody-4']) {
    const request = instance.request(room(0.1, 16), { affinities: [affinity('==', value)] });
    const id = instance.command(buyer, { kind: 'run', request, exclude: [] });
    // The name is claimed, the find waits for the word of a key's owner.
    instance.drop = (_from, to, message) => to === buyer.record.id && message.kind === 'found';
    instance.run(100);
    // The buyer itself keeps that key.
    if (instance.results.has(id)) continue;
    cancelled++;
    expect(instance.ask(buyer, { kind: 'cancel-run', requestId: request.id })).toMatchObject({ ok: true, kind: 'done' });
    instance.drop = () => false;
    instance.run(5_000);
    expect(refused(instance.result(id)).error.code).toBe('cancelled');
  }
  expect(cancelled).toBeGreaterThan(1);
  const parts = ['nobody-5', 'nobody-6'].map((value) => ({
    request: instance.request(room(0.1, 16), { affinities: [affinity('==', value)] }),
    group: undefined,
  }));
  const stack: Stack = { id: requestId(instance.random.hex(16)), groups: [], parts };
  const id = instance.command(buyer, { kind: 'plan', stack, exclude: [] });
  expect(instance.ask(buyer, { kind: 'cancel-run', requestId: stack.id })).toMatchObject({ ok: true, kind: 'done' });
  instance.run(5_000);
  expect(refused(instance.result(id)).error.code).toBe('cancelled');
  expect(buyer.node.runs()).toEqual([]);
});

test('a wish to be apart that is given up rules nothing out any more', () => {
  const buyer = at(7);
  const alone = at(50);
  const pin = { constraints: [{ key: 'node', operator: '==', value: alone.record.name, soft: false }] } as const;
  placed(run({ name: 'loud', ...pin }));
  instance.run(5_000);
  const request = instance.request(room(0.1, 16), { ...pin, affinities: [affinity('!=', 'loud', { soft: true })] });
  const result = placed(instance.ask(buyer, { kind: 'run', request, exclude: [] }));
  expect(result.supplier).toBe(alone.record.id);
  expect(result.placement.givenUp).toEqual(['container!=~loud']);
});

test('two affinities, one of them to what nearly every node has: the node that meets both is asked', () => {
  const some = room(0.01, 4);
  const nodes = instance.nodes.filter(({ node }) => node.resources().free.cpuMillicores >= 3 * some.cpuMillicores);
  const last = nodes.at(-1) as TestNode;
  expect(nodes.length).toBeGreaterThan(DISCOVERY.smallInstance);
  for (const node of nodes) {
    const constraints = [{ key: 'node', operator: '==', value: node.record.name, soft: false }] as const;
    placed(run({ constraints, labels: node === last ? { agent: 'log', rare: 'yes' } : { agent: 'log' } }, some));
  }
  instance.run(5_000);
  const affinities = [affinity('==', 'log', { subject: 'label', key: 'agent' }), affinity('==', 'yes', { subject: 'label', key: 'rare' })];
  expect(placed(run({ affinities }, some)).supplier).toBe(last.record.id);
});

test('what is longer than any message carries is found nowhere, and nobody is asked', () => {
  const long = 'x'.repeat(LIMITS.nameKeyBytes + 1);
  const found = (key: NameKey): Result => instance.ask(at(11), { kind: 'look-up', key }, 50);
  expect(found({ kind: 'name', name: long })).toEqual({ ok: true, kind: 'found', entries: [], complete: true });
  expect(found({ kind: 'image', reference: long })).toEqual({ ok: true, kind: 'found', entries: [], complete: false });
  const message = refused(run({ affinities: [affinity('==', long, { subject: 'image' })] })).error.message;
  expect(message).toContain('could not be looked up');
});

test('a port that some have: suppliers refuse, and finds go past them', () => {
  const hostPorts = [{ protocol: 'tcp', ip: 0, port: 8_080 }] as const;
  const nodes = Array.from({ length: 30 }, (_, i) => placed(run({ name: `port-${i}`, hostPorts })).supplier);
  expect(new Set(nodes).size).toBe(nodes.length);
  const [first] = nodes;
  const pin = { constraints: [{ key: 'node', operator: '==', value: first ?? '', soft: false }] } as const;
  expect(refused(run({ hostPorts, ...pin })).error.message).toMatch(/1 has port 8080\/tcp taken \(by port-0\)/);
});

test('a rename: one of several nodes gets the name, and everybody finds it by that one', () => {
  const had = ['one', 'two', 'three'].map((name, i) => {
    const pin = { constraints: [{ key: 'node', operator: '==', value: at(20 + i).record.name, soft: false }] } as const;
    const request = instance.request(room(0.01, 4), { name, ...pin });
    placed(instance.ask(at(0), { kind: 'run', request, exclude: [] }));
    return { node: at(20 + i), containerId: request.containerId };
  });
  const ids = had.map(({ node, containerId }) => instance.command(node, { kind: 'rename', containerId, name: 'first' }));
  instance.run(5_000);
  const winners = had.filter((_, i) => instance.result(ids[i] as CommandId).ok);
  expect(winners).toHaveLength(1);
  const [{ containerId }] = winners as [(typeof had)[number]];
  for (const [i, id] of ids.entries()) {
    if (had[i] !== winners[0])
      expect(refused(instance.result(id))).toMatchObject({ error: { code: 'name-taken' }, holder: { containerId } });
  }
  for (const node of [at(3), at(33), at(63)]) {
    const found = instance.ask(node, { kind: 'look-up', key: { kind: 'name', name: 'first' } });
    expect(found).toMatchObject({ complete: true, entries: [{ containerId }] });
  }
});
