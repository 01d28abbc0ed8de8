/** Launches that fail, nodes that die, messages that are lost, repeated, late: nothing oversold, nothing twice. */
import { expect, test } from 'vitest';
import type { CommandId, Message } from '../model/index.ts';
import { room } from './test-instance.ts';
import type { TestNode } from './test-instance.ts';
import { instanceOf, placed, refused } from './test-words.ts';

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
  const pin = [{ key: 'node', operator: '==', value: 'node-2', soft: false }] as const;
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

test('a container that a user removes before its buyer knows that it is ready is launched nowhere else', () => {
  const instance = instanceOf(3);
  const [a, b] = instance.nodes as [TestNode, TestNode];
  instance.drop = (_from, _to, message) => message.kind === 'launched' && message.phase === 'ready';
  const request = instance.request(room(1, 64));
  const run = instance.command(a, { kind: 'run', request, exclude: [a.record.id] });
  instance.run(1_000);
  const there = instance.nodes.find(({ node }) => node.container(request.containerId) !== undefined) ?? b;
  expect(instance.ask(there, { kind: 'remove', containerId: request.containerId, force: false })).toMatchObject({ ok: true });
  instance.run(60_000);
  const { error } = refused(instance.result(run));
  expect(error).toMatchObject({ code: 'wrong-state', changed: false });
  expect(error.message).toContain('was removed');
  for (const { node } of instance.nodes) {
    expect(node.containers()).toEqual([]);
    expect(node.resources()).toMatchObject({ held: room(0, 0), holds: 0 });
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
