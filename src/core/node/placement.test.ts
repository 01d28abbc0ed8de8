/** Where requests go, and what is said when there is nowhere. */
import { expect, test } from 'vitest';
import type { Result } from '../model/index.ts';
import { TestInstance, room } from './test-instance.ts';
import type { TestNode } from './test-instance.ts';
import { byStamp, firstOf, instanceOf, placed, refused } from './test-words.ts';

test('a lone node places on itself, without a network', () => {
  const instance = instanceOf(1);
  const node = firstOf(instance);
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

test('a placement found through the directory tells who was considered, not only who took it', () => {
  const instance = instanceOf(4, room(2, 512));
  const result = placed(instance.ask(firstOf(instance), { kind: 'run', request: instance.request(room(1, 128)), exclude: [] }));
  const { by, considered } = result.placement;
  expect(by).toBe('directory');
  expect(considered.filter((node) => node.accepted).map((node) => node.nodeId)).toEqual([result.supplier]);
  const others = considered.filter((node) => !node.accepted);
  expect(others).toHaveLength(3);
  for (const node of others)
    expect(node).toMatchObject({ reason: undefined, free: room(2, 512), score: expect.any(Number), name: expect.stringMatching(/^node-/) });
});

test('a burst is placed through the directory, though its offers move faster than hints', () => {
  const instance = instanceOf(8, room(2, 4_096));
  const before = new Map(instance.sent);
  const ids = Array.from({ length: 120 }, (_, i) => {
    instance.run(2);
    const request = instance.request(room(0.1, 16), { policy: i % 2 === 0 ? 'spread' : 'binpack' });
    return instance.command(instance.nodes[i % 8] as TestNode, { kind: 'run', request, exclude: [] });
  });
  instance.run(10_000);
  for (const id of ids) expect(placed(instance.result(id)).placement).toMatchObject({ by: 'directory', attempts: 1 });
  for (const kind of ['ask', 'cancel'] as const) expect(instance.sent.get(kind) ?? 0, kind).toBe(before.get(kind) ?? 0);
});

test('what fits is always found: filled to the last slot from any node, then refused with numbers', () => {
  const instance = instanceOf(3);
  for (let i = 0; i < 6; i++) {
    const node = instance.nodes[i % 3] as TestNode;
    placed(instance.ask(node, { kind: 'run', request: instance.request(room(1, 128)), exclude: [] }));
  }
  const result = refused(instance.ask(firstOf(instance), { kind: 'run', request: instance.request(room(1, 128)), exclude: [] }));
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
  const result = refused(instance.ask(firstOf(instance), { kind: 'run', request: instance.request(room(2, 256)), exclude: [] }));
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
  expect(placed(run({ constraints: [{ key: 'zone', operator: '==', value: 'us-*', soft: false }] })).supplier).toBe(b.record.id);
  expect(placed(run({ constraints: [{ key: 'zone', operator: '!=', value: 'us-*', soft: false }] })).supplier).toBe(a.record.id);
  expect(placed(run({ constraints: [{ key: 'node', operator: '==', value: 'node-2', soft: false }] })).supplier).toBe(b.record.id);
  expect(placed(run({ class: 'high' })).supplier).toBe(b.record.id);
  expect(placed(run({ arches: ['arm64'] })).supplier).toBe(b.record.id);
  expect(placed(run({}, [a])).supplier).toBe(b.record.id);
  expect(refused(run({ constraints: [{ key: 'zone', operator: '==', value: 'asia', soft: false }] })).error.message).toBe(
    'no node can take it: of 2 nodes 2 do not meet the constraints (does not meet zone==asia)',
  );
  expect(refused(run({ arches: ['riscv64'] }, [a])).error.message).toBe(
    'no node can take it: of 2 nodes 1 has another architecture (needs riscv64, is arm64), 1 was excluded',
  );
});

test('spread picks the emptiest node, binpack the fullest that fits', () => {
  const instance = instanceOf(3);
  const [a] = instance.nodes as [TestNode];
  const pin = [{ key: 'node', operator: '==', value: 'node-2', soft: false }] as const;
  placed(instance.ask(a, { kind: 'run', request: instance.request(room(0.2, 50), { constraints: pin }), exclude: [] }));
  instance.run(61_000);
  const packed = placed(instance.ask(a, { kind: 'run', request: instance.request(room(0.2, 50)), exclude: [] }));
  expect(instance.byId(packed.supplier).record.name).toBe('node-2');
  instance.run(61_000);
  const spread = placed(instance.ask(a, { kind: 'run', request: instance.request(room(0.2, 50), { policy: 'spread' }), exclude: [] }));
  expect(instance.byId(spread.supplier).record.name).not.toBe('node-2');
});

test('offers and hints settle: one live offer a supplier, and hints that agree everywhere', () => {
  const instance = instanceOf(5);
  instance.run(30_000);
  const offers = instance.nodes.flatMap(({ node }) => node.offers());
  expect(new Set(offers.map((offer) => offer.supplier)).size).toBe(5);
  expect(offers).toHaveLength(5);
  const table = firstOf(instance).node.hints();
  for (const { node } of instance.nodes) expect([...node.hints()].sort(byStamp)).toEqual([...table].sort(byStamp));
  const levels = table.map((hint) => hint.countLevel);
  expect(levels.filter((level) => level > 0)).toEqual([3]);
  instance.crash(instance.nodes[4] as TestNode);
  instance.run(60_000);
  const left = instance.nodes.slice(0, 4).flatMap(({ node }) => node.offers());
  expect(left).toHaveLength(4);
});
