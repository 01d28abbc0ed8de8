import { expect, test } from 'vitest';
import type { CommandId, Hint, Message, Result } from '../model/index.ts';
import { TestInstance, room } from './test-instance.ts';
import type { TestNode } from './test-instance.ts';

function instanceOf(n: number, capacity = room(2, 512), seed = 1): TestInstance {
  const instance = new TestInstance(seed);
  for (let i = 0; i < n; i++) {
    instance.add(capacity);
    instance.run(500);
  }
  instance.run(8_000);
  for (const { node } of instance.nodes) expect(node.members().filter((m) => m.state === 'alive')).toHaveLength(n);
  return instance;
}

const byStamp = (a: Hint, b: Hint): number => a.stamp - b.stamp || a.region.cpuBucket - b.region.cpuBucket;
const first = (instance: TestInstance): TestNode => instance.nodes[0] as TestNode;

function placed(result: Result): Extract<Result, { kind: 'placed' }> {
  if (!result.ok || result.kind !== 'placed') throw new Error(`not placed: ${JSON.stringify(result)}`);
  return result;
}

function refused(result: Result): Extract<Result, { ok: false }> {
  if (result.ok) throw new Error(`not refused: ${JSON.stringify(result)}`);
  return result;
}

test('a lone node places on itself, without a network', () => {
  const instance = instanceOf(1);
  const node = first(instance);
  const request = instance.request(room(1, 256));
  const result = placed(instance.ask(node, { kind: 'run', request, exclude: [] }));
  expect(result.supplier).toBe(node.record.id);
  expect(result.placement.by).toBe('directory');
  expect(node.node.resources()).toMatchObject({ held: room(1, 256), free: room(1, 256), holds: 0 });
  expect(node.node.container(request.containerId)).toMatchObject({ readiness: 'ready', desired: 'created', holding: true });
  expect(JSON.parse(node.host.containers.get(request.containerId)?.placement ?? '{}')).toMatchObject({ by: 'directory' });
});

test('three nodes: placed through the directory from each, with few messages', () => {
  const instance = instanceOf(3);
  for (const node of instance.nodes) {
    const before = instance.sent.get('ask') ?? 0;
    const result = placed(instance.ask(node, { kind: 'run', request: instance.request(room(1, 128)), exclude: [] }));
    expect(result.placement).toMatchObject({ by: 'directory', attempts: 1, buyer: node.record.id });
    expect(instance.sent.get('ask') ?? 0).toBe(before);
  }
});

test('what fits is always found: filled to the last slot from any node, then refused with numbers', () => {
  const instance = instanceOf(3);
  for (let i = 0; i < 6; i++) {
    const node = instance.nodes[i % 3] as TestNode;
    placed(instance.ask(node, { kind: 'run', request: instance.request(room(1, 128)), exclude: [] }));
  }
  const result = refused(instance.ask(first(instance), { kind: 'run', request: instance.request(room(1, 128)), exclude: [] }));
  expect(result.error).toEqual({
    code: 'no-room',
    message: 'no node has 1 CPU and 128 MiB free: of 3 nodes 3 lack CPU (best: node-1 with 0 CPUs)',
    changed: false,
  });
  expect(result.placement?.considered).toHaveLength(3);
});

test('a refusal says what each node lacks, which one is best, and who drains', () => {
  const instance = new TestInstance(3);
  for (const capacity of [room(4, 201), room(4, 100), room(4, 64), room(4, 32), room(0.5, 1024), room(1, 1024), room(8, 8192)]) {
    instance.add(capacity);
    instance.run(300);
  }
  instance.run(8_000);
  instance.ask(instance.nodes[6] as TestNode, { kind: 'describe', change: { draining: true } });
  instance.run(3_000);
  const result = refused(instance.ask(first(instance), { kind: 'run', request: instance.request(room(2, 256)), exclude: [] }));
  expect(result.error.message).toBe(
    'no node has 2 CPUs and 256 MiB free: of 7 nodes 4 lack memory (best: node-1 with 201 MiB), 2 lack CPU (best: node-6 with 1 CPU), 1 is draining',
  );
});

test('constraints, classes, architectures and exclusions are filters with an explanation', () => {
  const instance = new TestInstance(4);
  const a = instance.add(room(2, 512), { labels: { zone: 'eu-west' } });
  instance.run(500);
  const b = instance.add(room(2, 512), { labels: { zone: 'us-east' }, class: 'high', arch: 'arm64' });
  instance.run(8_000);
  const run = (change: Parameters<TestInstance['request']>[1], exclude: readonly TestNode[] = []): Result =>
    instance.ask(a, { kind: 'run', request: instance.request(room(0.1, 16), change), exclude: exclude.map((n) => n.record.id) });
  expect(placed(run({ constraints: [{ key: 'zone', operator: '==', value: 'us-*' }] })).supplier).toBe(b.record.id);
  expect(placed(run({ constraints: [{ key: 'zone', operator: '!=', value: 'us-*' }] })).supplier).toBe(a.record.id);
  expect(placed(run({ constraints: [{ key: 'node', operator: '==', value: 'node-2' }] })).supplier).toBe(b.record.id);
  expect(placed(run({ class: 'high' })).supplier).toBe(b.record.id);
  expect(placed(run({ arches: ['arm64'] })).supplier).toBe(b.record.id);
  expect(placed(run({}, [a])).supplier).toBe(b.record.id);
  expect(refused(run({ constraints: [{ key: 'zone', operator: '==', value: 'asia' }] })).error.message).toBe(
    'no node can take it: of 2 nodes 2 do not meet the constraints (does not meet zone==asia)',
  );
  expect(refused(run({ arches: ['riscv64'] }, [a])).error.message).toBe(
    'no node can take it: of 2 nodes 1 has another architecture (needs riscv64, is arm64), 1 was excluded',
  );
});

test('spread picks the emptiest node, binpack the fullest that fits', () => {
  const instance = instanceOf(3);
  const [a] = instance.nodes as [TestNode];
  const pin = [{ key: 'node', operator: '==', value: 'node-2' }] as const;
  placed(instance.ask(a, { kind: 'run', request: instance.request(room(0.2, 50), { constraints: pin }), exclude: [] }));
  instance.run(61_000);
  const packed = placed(instance.ask(a, { kind: 'run', request: instance.request(room(0.2, 50)), exclude: [] }));
  expect(instance.byId(packed.supplier).record.name).toBe('node-2');
  instance.run(61_000);
  const spread = placed(instance.ask(a, { kind: 'run', request: instance.request(room(0.2, 50), { policy: 'spread' }), exclude: [] }));
  expect(instance.byId(spread.supplier).record.name).not.toBe('node-2');
});

test('a launch that fails in the engine leaves nothing, and the run goes elsewhere', () => {
  const instance = instanceOf(3);
  const [a, b, c] = instance.nodes as [TestNode, TestNode, TestNode];
  b.host.createFails = 'no space left on device';
  c.host.createFails = 'no space left on device';
  const request = instance.request(room(1, 256), { policy: 'spread' });
  const result = placed(instance.ask(b, { kind: 'run', request, exclude: [] }));
  expect(result.supplier).toBe(a.record.id);
  for (const node of [b, c]) {
    expect(node.node.resources()).toMatchObject({ held: room(0, 0), holds: 0 });
    expect(node.host.containers.size).toBe(0);
  }
  a.host.createFails = 'no space left on device';
  const failed = refused(instance.ask(b, { kind: 'run', request: instance.request(room(1, 256)), exclude: [] }));
  expect(failed.error.code).toBe('engine-failed');
  expect(failed.error.message).toContain('no space left on device');
  expect(failed.placement?.considered.filter((c) => c.reason === 'failed')).toHaveLength(3);
});

test('a store that fails refuses the launch, cleanly', () => {
  const instance = instanceOf(2);
  const [a, b] = instance.nodes as [TestNode, TestNode];
  b.host.storeFails = true;
  const pin = [{ key: 'node', operator: '==', value: 'node-2' }] as const;
  const result = refused(instance.ask(a, { kind: 'run', request: instance.request(room(1, 256), { constraints: pin }), exclude: [] }));
  expect(result.error.code).toBe('store-failed');
  expect(b.node.resources()).toMatchObject({ held: room(0, 0), holds: 0 });
  expect(b.node.containers()).toEqual([]);
});

test('a node that leaves takes nothing more, and its death during a launch ends the run as supplier-lost', () => {
  const instance = instanceOf(3);
  const [a, b, c] = instance.nodes as [TestNode, TestNode, TestNode];
  instance.ask(c, { kind: 'leave' });
  instance.run(1_000);
  instance.crash(c);
  for (let i = 0; i < 2; i++) {
    const result = placed(instance.ask(a, { kind: 'run', request: instance.request(room(1, 64)), exclude: [a.record.id] }));
    expect(result.supplier).toBe(b.record.id);
  }
  instance.restart(c);
  instance.run(10_000);
  c.host.createMs = 100_000;
  const id = instance.command(a, {
    kind: 'run',
    request: instance.request(room(1, 64)),
    exclude: [a.record.id, b.record.id],
  });
  instance.run(2_000);
  expect(c.node.containers()).toHaveLength(1);
  instance.crash(c);
  instance.run(60_000);
  expect(refused(instance.result(id)).error).toMatchObject({ code: 'supplier-lost', changed: true });
});

test('cancel-run: holds go back, a container half made is rolled back', () => {
  const instance = instanceOf(2);
  const [a, b] = instance.nodes as [TestNode, TestNode];
  b.host.createMs = 3_000;
  const request = instance.request(room(1, 64));
  const id = instance.command(a, { kind: 'run', request, exclude: [a.record.id] });
  instance.run(500);
  expect(b.node.containers()).toHaveLength(1);
  expect(instance.ask(a, { kind: 'cancel-run', requestId: request.id })).toEqual({ ok: true, kind: 'done' });
  instance.run(6_000);
  expect(refused(instance.result(id)).error.code).toBe('cancelled');
  expect(b.node.containers()).toEqual([]);
  expect(b.host.containers.size).toBe(0);
  expect(b.host.made.size).toBe(0);
  expect(b.node.resources().held).toEqual(room(0, 0));
  expect(instance.ask(a, { kind: 'cancel-run', requestId: request.id })).toMatchObject({ ok: false });
});

test('a launch that comes again after the container was removed finds its tombstone', () => {
  const instance = instanceOf(2);
  const [a, b] = instance.nodes as [TestNode, TestNode];
  const launches: Message[] = [];
  instance.drop = (_from, _to, message) => {
    if (message.kind === 'launch') launches.push(message);
    return false;
  };
  const request = instance.request(room(1, 64));
  placed(instance.ask(a, { kind: 'run', request, exclude: [a.record.id] }));
  const [launch] = launches as [Message];
  instance.deliver(a.record.id, b, launch);
  instance.run(100);
  expect(b.node.containers()).toHaveLength(1);
  expect(instance.ask(b, { kind: 'remove', containerId: request.containerId, force: false })).toEqual({ ok: true, kind: 'done' });
  for (const restarted of [false, true]) {
    if (restarted) {
      instance.crash(b);
      instance.restart(b);
      instance.run(3_000);
    }
    instance.deliver(a.record.id, b, launch);
    instance.run(1_000);
    expect(b.node.containers()).toEqual([]);
    expect(b.node.resources().held).toEqual(room(0, 0));
  }
});

test('never oversold, never twice, always one reply: concurrent runs over a network that loses, repeats and delays', () => {
  for (let seed = 1; seed <= 12; seed++) {
    console.log(`seed ${seed}`);
    const instance = instanceOf(4, room(2, 512), seed);
    instance.loss = 0.1;
    instance.duplicates = 0.2;
    instance.latencyMs = [1, 150];
    const ids: CommandId[] = [];
    for (let i = 0; i < 60; i++) {
      const node = instance.random.pick(instance.nodes) as TestNode;
      node.host.createFails = instance.random.chance(0.1) ? 'flaky' : undefined;
      const wanted = room(instance.random.pick([0.25, 0.5, 1]) as number, instance.random.pick([32, 64, 200]) as number);
      ids.push(instance.command(node, { kind: 'run', request: instance.request(wanted), exclude: [] }));
      instance.run(instance.random.int(200));
    }
    instance.run(180_000);
    const results = ids.map((id) => instance.result(id));
    const won = results.filter((result) => result.ok);
    expect(won.length).toBeGreaterThan(5);
    for (const result of results) if (!result.ok) expect(['no-room', 'engine-failed', 'supplier-lost']).toContain(result.error.code);
    const kept = instance.nodes.flatMap(({ host }) => [...host.containers.keys()]);
    const owned = won.map((result) => (result.kind === 'placed' ? result.containerId : ''));
    expect(new Set(kept)).toEqual(new Set(owned));
    for (const { node } of instance.nodes) {
      expect(node.runs()).toEqual([]);
      expect(node.resources().holds).toBe(0);
    }
  }
});

test('offers and hints settle: one live offer a supplier, and hints that agree everywhere', () => {
  const instance = instanceOf(5);
  instance.run(30_000);
  const offers = instance.nodes.flatMap(({ node }) => node.offers());
  expect(new Set(offers.map((offer) => offer.supplier)).size).toBe(5);
  expect(offers).toHaveLength(5);
  const table = first(instance).node.hints();
  for (const { node } of instance.nodes) expect([...node.hints()].sort(byStamp)).toEqual([...table].sort(byStamp));
  const levels = table.map((hint) => hint.countLevel);
  expect(levels.filter((level) => level > 0)).toEqual([3]);
  instance.crash(instance.nodes[4] as TestNode);
  instance.run(60_000);
  const left = instance.nodes.slice(0, 4).flatMap(({ node }) => node.offers());
  expect(left).toHaveLength(4);
});
