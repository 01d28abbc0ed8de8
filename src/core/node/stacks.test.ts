/** Stacks: all of it or none of it, groups together or apart. */
import { expect, test } from 'vitest';
import { LIMITS, requestId } from '../model/index.ts';
import type { Command, Group, NodeId, Request, Result, Stack } from '../model/index.ts';
import { TestInstance, room } from './test-instance.ts';
import type { TestNode } from './test-instance.ts';
import { firstOf, instanceOf, refused } from './test-words.ts';

type Part = readonly [request: Request, group?: string];

function stackOf(instance: TestInstance, parts: readonly Part[], groups: readonly Group[] = []): Stack {
  return { id: requestId(instance.random.hex(16)), groups, parts: parts.map(([request, group]) => ({ request, group })) };
}

const runStack = (stack: Stack, exclude: readonly NodeId[] = []): Command => ({ kind: 'run-stack', stack, exclude });

function stackPlaced(result: Result): readonly TestNodeId[] {
  if (!result.ok || result.kind !== 'stack-placed') throw new Error(`not placed: ${JSON.stringify(result)}`);
  return result.parts.map((part) => part.supplier);
}
type TestNodeId = NodeId;

const apart: Group = { name: 'web', policy: 'spread' };
const together: Group = { name: 'app', policy: 'co-location' };
const containers = (instance: TestInstance): number => instance.nodes.flatMap(({ node }) => node.containers()).length;

/** Nothing is held, nothing is there. */
function expectNothing(instance: TestInstance): void {
  instance.run(6_000);
  for (const { node, host, up } of instance.nodes) {
    if (!up) continue;
    expect(node.resources()).toMatchObject({ held: room(0, 0), holds: 0 });
    expect([...host.containers.keys()]).toEqual([]);
    expect([...host.made]).toEqual([]);
  }
  for (const { node, up } of instance.nodes) if (up) expect(node.runs()).toEqual([]);
}

test('parts without a group go where they fit, and are told in the order they were asked for', () => {
  const instance = instanceOf(3);
  const parts = [room(2, 256), room(1, 128), room(1, 128), room(2, 512)].map((amount): Part => [instance.request(amount)]);
  const result = instance.ask(firstOf(instance), runStack(stackOf(instance, parts)));
  expect(result).toMatchObject({ ok: true, kind: 'stack-placed', parts: parts.map(([{ containerId }]) => ({ containerId })) });
  for (const [i, supplier] of stackPlaced(result).entries()) {
    const id = parts[i]?.[0].containerId as Request['containerId'];
    expect(instance.byId(supplier).node.container(id)).toMatchObject({ readiness: 'ready', holding: true });
  }
});

test('a spread group: each part on another node, and one part too many refuses them all', () => {
  const instance = instanceOf(4);
  const of = (n: number): Stack =>
    stackOf(
      instance,
      Array.from({ length: n }, (): Part => [instance.request(room(0.1, 16)), 'web']),
      [apart],
    );
  const nodes = stackPlaced(instance.ask(firstOf(instance), runStack(of(4))));
  expect(new Set(nodes).size).toBe(4);
  const result = refused(instance.ask(firstOf(instance), runStack(of(5))));
  expect(result.error.message).toContain('of 4 nodes 4 were excluded (has another part of the group)');
  expect(result.error.changed).toBe(false);
  instance.run(6_000);
  expect(containers(instance)).toBe(4);
  for (const { node } of instance.nodes) expect(node.resources()).toMatchObject({ held: room(0.1, 16), holds: 0 });
});

test('a co-location group: one node has room for all, though others suit each part better', () => {
  const instance = new TestInstance(2);
  for (const capacity of [room(1, 256), room(1, 256), room(3, 768)]) {
    instance.add(capacity);
    instance.run(500);
  }
  instance.run(8_000);
  const parts = Array.from({ length: 3 }, (): Part => [instance.request(room(1, 256)), 'app']);
  const nodes = stackPlaced(instance.ask(firstOf(instance), runStack(stackOf(instance, parts, [together]))));
  const big = instance.nodes[2] as TestNode;
  expect(nodes).toEqual([big.record.id, big.record.id, big.record.id]);
  expect(big.node.resources()).toMatchObject({ free: room(0, 0), holds: 0 });
  const more = refused(
    instance.ask(
      firstOf(instance),
      runStack(
        stackOf(
          instance,
          [
            [instance.request(room(1, 64)), 'app'],
            [instance.request(room(0.5, 64)), 'app'],
          ],
          [together],
        ),
      ),
    ),
  );
  expect(more.error.message).toBe(
    'group app: no node has 1.5 CPUs and 128 MiB free: of 3 nodes 1 lacks memory (best: node-3 with 0 bytes), 2 lack CPU (best: node-1 with 1 CPU)',
  );
});

test('several groups of each policy in one stack', () => {
  const instance = instanceOf(3, room(4, 1024));
  const groups: readonly Group[] = [together, apart, { name: 'app2', policy: 'co-location' }, { name: 'web2', policy: 'spread' }];
  const names = ['app', 'web', 'app2', 'web2', 'app', 'web', 'app2', 'web2', 'web', 'web2'];
  const parts = names.map((name): Part => [instance.request(room(0.5, 64)), name]);
  const nodes = stackPlaced(instance.ask(firstOf(instance), runStack(stackOf(instance, parts, groups))));
  const of = (name: string): readonly NodeId[] => nodes.filter((_, i) => names[i] === name);
  expect([new Set(of('app')).size, new Set(of('app2')).size, new Set(of('web')).size, new Set(of('web2')).size]).toEqual([1, 1, 3, 3]);
});

test('where one part fits nowhere, nothing stays held and nothing was launched', () => {
  const instance = instanceOf(3);
  const stored = (): number => instance.sent.get('launch') ?? 0;
  const before = stored();
  const parts: Part[] = [
    [instance.request(room(1, 64))],
    [instance.request(room(1, 64))],
    [instance.request(room(3, 64), { name: 'big' })],
  ];
  const result = refused(instance.ask(firstOf(instance), runStack(stackOf(instance, parts))));
  expect(result.error).toEqual({
    code: 'no-room',
    message: 'big: no node has 3 CPUs and 64 MiB free: of 3 nodes 3 lack CPU (best: node-1 with 2 CPUs)',
    changed: false,
  });
  expect(result.placement?.considered).toHaveLength(3);
  expect(stored()).toBe(before);
  expectNothing(instance);
});

test('a part that no engine can launch takes the launched ones back; one that another engine can goes there', () => {
  const instance = instanceOf(3);
  const [a, b, c] = instance.nodes as [TestNode, TestNode, TestNode];
  const pin = (node: TestNode) => ({ constraints: [{ key: 'node', operator: '==', value: node.record.name, soft: false }] }) as const;
  c.host.createFails = 'no space for layers';
  c.host.createMs = 500;
  const stack = stackOf(instance, [
    [instance.request(room(0.5, 64), pin(a))],
    [instance.request(room(0.5, 64), pin(b))],
    [instance.request(room(0.5, 64), { name: 'bad', ...pin(c) })],
  ]);
  const result = refused(instance.ask(a, runStack(stack)));
  expect(result.error.code).toBe('engine-failed');
  expect(result.error.message).toContain('bad: node-3 could not launch it: no space for layers');
  expect(result.error.changed).toBe(false);
  for (const { request } of stack.parts.slice(0, 2)) {
    expect([a, b].some(({ host }) => host.tombstones.has(request.containerId))).toBe(true);
  }
  expectNothing(instance);
  const free = stackOf(
    instance,
    Array.from({ length: 2 }, (): Part => [instance.request(room(1.5, 256)), 'web']),
    [apart],
  );
  const nodes = stackPlaced(instance.ask(a, runStack(free)));
  expect(new Set(nodes)).toEqual(new Set([a.record.id, b.record.id]));
});

test('a co-location group is launched part by part into one hold; while one is on its way, nobody else gets its room', () => {
  const instance = instanceOf(2, room(1.5, 512));
  const [a, b] = instance.nodes as [TestNode, TestNode];
  const there = { constraints: [{ key: 'node', operator: '==', value: b.record.name, soft: false }] } as const;
  const parts = [room(0.5, 64), room(0.5, 64), room(0.5, 64)].map((amount): Part => [instance.request(amount, there), 'app']);
  const second = parts[1]?.[0] as Request;
  const stack = stackOf(instance, parts, [together]);
  instance.drop = (_from, _to, message) => message.kind === 'launch' && message.request.id === second.id;
  const id = instance.command(a, runStack(stack));
  instance.run(12_000);
  expect(b.node.containers()).toHaveLength(1);
  expect(b.node.resources()).toMatchObject({ held: room(1.5, 192), holds: 1 });
  refused(instance.ask(a, { kind: 'run', request: instance.request(room(0.1, 16), there), exclude: [] }));
  instance.drop = () => false;
  instance.run(3_000);
  expect(stackPlaced(instance.result(id))).toHaveLength(3);
  expect(b.node.resources()).toMatchObject({ held: room(1.5, 192), holds: 0 });
});

test('a co-location group does not part: where one of it cannot be launched, the others are taken back', () => {
  const instance = instanceOf(3);
  const [a] = instance.nodes as [TestNode];
  const parts = [1, 2, 3].map((): Part => [instance.request(room(0.5, 64)), 'app']);
  const bad = parts[2]?.[0] as Request;
  for (const { host } of instance.nodes) host.failsFor.add(bad.containerId);
  const { error } = refused(instance.ask(a, runStack(stackOf(instance, parts, [together]))));
  expect(error).toMatchObject({ code: 'engine-failed', changed: false });
  expect(error.message).toContain(`${bad.name}: node-`);
  expectNothing(instance);
});

test('a stack that is cancelled leaves nothing, whatever it was doing', () => {
  for (const afterMs of [0, 1, 3, 5, 8, 12, 20, 40, 80]) {
    const instance = instanceOf(3, room(2, 512), 1 + afterMs);
    const parts = Array.from({ length: 6 }, (_, i): Part => [instance.request(room(0.5, 64)), i < 3 ? 'app' : 'web']);
    const stack = stackOf(instance, parts, [together, apart]);
    const id = instance.command(firstOf(instance), runStack(stack));
    instance.run(afterMs);
    const cancelled = instance.ask(firstOf(instance), { kind: 'cancel-run', requestId: stack.id });
    instance.run(5_000);
    if (!cancelled.ok) {
      stackPlaced(instance.result(id));
      continue;
    }
    expect(refused(instance.result(id)).error).toMatchObject({ code: 'cancelled', changed: false });
    expectNothing(instance);
  }
});

test('the supplier of a part dies while the stack is launched: the others are taken back, it is named', () => {
  const instance = instanceOf(3);
  const [a, b, c] = instance.nodes as [TestNode, TestNode, TestNode];
  const pin = (node: TestNode) => ({ constraints: [{ key: 'node', operator: '==', value: node.record.name, soft: false }] }) as const;
  c.host.createMs = 5_000;
  const stack = stackOf(instance, [
    [instance.request(room(0.5, 64), pin(b))],
    [instance.request(room(0.5, 64), { name: 'slow', ...pin(c) })],
  ]);
  const id = instance.command(a, runStack(stack));
  instance.run(500);
  instance.crash(c);
  instance.run(30_000);
  const { error } = refused(instance.result(id));
  expect(error).toMatchObject({ code: 'supplier-lost', changed: true });
  expect(error.message).toContain('slow: node-3 died while it launched slow');
  expectNothing(instance);
});

test('the buyer dies while it launches: its holds expire, and what was launched gives its room back', () => {
  const instance = instanceOf(3);
  const [a] = instance.nodes as [TestNode];
  for (const { host } of instance.nodes.slice(1)) host.createMs = 200;
  const parts = Array.from({ length: 3 }, (): Part => [instance.request(room(0.5, 64)), 'app']);
  instance.command(a, runStack(stackOf(instance, [...parts, [instance.request(room(0.5, 64))]], [together])));
  instance.run(60);
  instance.crash(a);
  instance.run(10_000);
  for (const { node } of instance.nodes.slice(1)) expect(node.resources().holds).toBe(0);
  instance.run(620_000);
  const launched = instance.nodes.slice(1).flatMap(({ node }) => node.containers());
  expect(launched.length).toBeGreaterThan(0);
  expect(instance.events.filter(({ kind }) => kind === 'room-given-back')).toHaveLength(launched.length);
  for (const { node } of instance.nodes.slice(1)) expect(node.resources().held).toEqual(room(0, 0));
});

test('what was started before it could be taken back stays, and is told', () => {
  const instance = instanceOf(3);
  const [a, b, c] = instance.nodes as [TestNode, TestNode, TestNode];
  const pin = (node: TestNode) => ({ constraints: [{ key: 'node', operator: '==', value: node.record.name, soft: false }] }) as const;
  c.host.createMs = 3_000;
  c.host.createFails = 'bad layer';
  const early = instance.request(room(0.5, 64), { name: 'early', ...pin(b) });
  const id = instance.command(a, runStack(stackOf(instance, [[early], [instance.request(room(0.5, 64), pin(c))]])));
  instance.run(1_000);
  expect(instance.ask(b, { kind: 'start', containerId: early.containerId })).toMatchObject({ ok: true });
  instance.run(10_000);
  const { error } = refused(instance.result(id));
  expect(error.changed).toBe(true);
  expect(error.message).toContain('could not be taken back, look for them there: early on node-2, which was started meanwhile');
  expect(b.node.container(early.containerId)).toBeDefined();
});

test('stacks at the same time on a lossy network: each is placed whole or leaves nothing', () => {
  const seed = 11;
  const instance = instanceOf(5, room(2, 512), seed);
  instance.loss = 0.1;
  instance.duplicates = 0.1;
  const stacks = Array.from({ length: 8 }, (_, n) => {
    const parts = Array.from({ length: 2 + (n % 4) }, (): Part => [instance.request(room(0.4, 64)), n % 2 === 0 ? 'app' : 'web']);
    return stackOf(instance, parts, [n % 2 === 0 ? together : apart]);
  });
  const ids = stacks.map((stack, n) => instance.command(instance.nodes[n % 5] as TestNode, runStack(stack)));
  for (let i = 0; i < 180 && ids.some((id) => !instance.results.has(id)); i++) instance.run(1_000);
  instance.loss = 0;
  instance.run(10_000);
  for (const [n, id] of ids.entries()) {
    const result = instance.result(id);
    const there = stacks[n]?.parts.filter(({ request }) => instance.nodes.some(({ host }) => host.containers.has(request.containerId)));
    expect(there, `stack ${n} of seed ${seed}`).toHaveLength(result.ok ? (stacks[n]?.parts.length ?? 0) : 0);
  }
  for (const { node } of instance.nodes) expect(node.resources().holds).toBe(0);
});

test('what no stack can be is refused at the door, with the reason', () => {
  const instance = instanceOf(1);
  const ask = (stack: Stack, exclude: readonly NodeId[] = []): string =>
    refused(instance.ask(firstOf(instance), runStack(stack, exclude), 1_000)).error.message;
  const one = (change: Partial<Request> = {}): Request => instance.request(room(0.1, 16), change);
  expect(ask(stackOf(instance, []))).toBe(`a stack has 1 to ${LIMITS.stack} containers, got 0`);
  expect(
    ask(
      stackOf(
        instance,
        Array.from({ length: LIMITS.stack + 1 }, (): Part => [one()]),
      ),
    ),
  ).toContain(`got ${LIMITS.stack + 1}`);
  expect(ask(stackOf(instance, [[one({ name: 'x' })], [one({ name: 'x' })]]))).toBe('x is in the stack twice');
  expect(ask(stackOf(instance, [[one({ name: 'x' }), 'db']]))).toBe("x is in group db, which the stack doesn't have");
  expect(
    ask(
      stackOf(
        instance,
        [
          [one({ name: 'x', arches: ['arm64'] }), 'app'],
          [one({ name: 'y', arches: ['amd64'] }), 'app'],
        ],
        [together],
      ),
    ),
  ).toBe("the containers of group app can't be on one node: their architectures differ (x needs arm64, y needs amd64)");
  const zone = (value: string) => ({ constraints: [{ key: 'zone', operator: '==', value, soft: false }] }) as const;
  expect(
    ask(
      stackOf(
        instance,
        [
          [one(zone('eu')), 'app'],
          [one(zone('us')), 'app'],
        ],
        [together],
      ),
    ),
  ).toContain('zone==eu and zone==us exclude each other');
  const huge = { cpuMillicores: 1, memoryBytes: LIMITS.amount };
  expect(
    ask(
      stackOf(
        instance,
        [
          [instance.request(huge), 'app'],
          [instance.request(huge), 'app'],
        ],
        [together],
      ),
    ),
  ).toContain('they need');
  const many = Array.from({ length: 40 }, (): Part => [one(), 'web']);
  const exclude = Array.from({ length: 30 }, () => instance.random.hex(16) as NodeId);
  expect(ask(stackOf(instance, many, [apart]), exclude)).toContain('at most 64 nodes can be ruled out');
});

test('while one part waits for its image, the others keep what they hold, however long it takes', () => {
  const instance = instanceOf(2);
  const [a, b] = instance.nodes as [TestNode, TestNode];
  const pin = (node: TestNode) => ({ constraints: [{ key: 'node', operator: '==', value: node.record.name, soft: false }] }) as const;
  b.host.createMs = 25 * 60_000;
  const stack = stackOf(
    instance,
    [
      [instance.request(room(1, 64), pin(a)), 'app'],
      [instance.request(room(1, 64), pin(a)), 'app'],
      [instance.request(room(1, 64), pin(b))],
    ],
    [together],
  );
  const id = instance.command(a, runStack(stack));
  instance.run(24 * 60_000);
  expect(instance.results.has(id)).toBe(false);
  expect(a.node.resources()).toMatchObject({ free: { cpuMillicores: 0 }, holds: 0 });
  instance.run(2 * 60_000);
  expect(stackPlaced(instance.result(id))).toEqual([a.record.id, a.record.id, b.record.id]);
  expect(a.node.resources().free.cpuMillicores).toBe(0);
  // From then on they are the user's to start.
  instance.run(11 * 60_000);
  expect(a.node.resources().free.cpuMillicores).toBe(2_000);
});

test('a co-location group whose first part its node could not store leaves nothing held there', () => {
  const instance = new TestInstance(3);
  // Binpack prefers the smaller one.
  for (const capacity of [room(2, 512), room(4, 1024)]) {
    instance.add(capacity);
    instance.run(500);
  }
  instance.run(8_000);
  const [a, b] = instance.nodes as [TestNode, TestNode];
  a.host.storeFails = true;
  const parts = Array.from({ length: 2 }, (): Part => [instance.request(room(1, 256)), 'app']);
  const nodes = stackPlaced(instance.ask(b, runStack(stackOf(instance, parts, [together]))));
  expect(nodes).toEqual([b.record.id, b.record.id]);
  instance.run(10);
  expect(a.node.resources()).toMatchObject({ held: room(0, 0), holds: 0 });
});
