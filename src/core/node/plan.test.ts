/** Plans: where a stack would go, and nothing that anybody remembers. */
import { expect, test } from 'vitest';
import { requestId } from '../model/index.ts';
import type { Command, Group, Message, NodeId, Request, Result, Stack, StackPlacement } from '../model/index.ts';
import { TestInstance, room } from './test-instance.ts';
import type { TestNode } from './test-instance.ts';
import { firstOf, instanceOf, refused } from './test-words.ts';

const apart: Group = { name: 'web', policy: 'spread' };
const together: Group = { name: 'app', policy: 'co-location' };

type Part = readonly [request: Request, group?: string];
function stackOf(instance: TestInstance, parts: readonly Part[]): Stack {
  const groups = [apart, together];
  return { id: requestId(instance.random.hex(16)), groups, parts: parts.map(([request, group]) => ({ request, group })) };
}
const plan = (stack: Stack, exclude: readonly NodeId[] = []): Command => ({ kind: 'plan', stack, exclude });

function planned(result: Result): readonly StackPlacement[] {
  if (!result.ok || result.kind !== 'planned') throw new Error(`not planned: ${JSON.stringify(result)}`);
  return result.parts;
}

/** What was sent while it ran, but membership's. */
function watch(instance: TestInstance, run: () => void): readonly Message['kind'][] {
  const before = new Map(instance.sent);
  run();
  const kinds = [...instance.sent.keys()].filter((kind) => (instance.sent.get(kind) ?? 0) > (before.get(kind) ?? 0));
  return kinds.filter((kind) => !['ping', 'ping-request', 'ack', 'nack', 'gossip', 'sync-request', 'sync-reply'].includes(kind)).sort();
}

test('everybody is asked, nothing is held; the answer ranks them all', () => {
  const instance = new TestInstance(1);
  for (const capacity of [room(1, 256), room(2, 512), room(4, 1024), room(0.2, 16)]) {
    instance.add(capacity);
    instance.run(500);
  }
  instance.run(70_000);
  const states = (): unknown => instance.nodes.map(({ node }) => [node.resources(), node.offers(), node.runs(), node.containers()]);
  const before = states();
  const stack = stackOf(instance, [[instance.request(room(0.5, 128))]]);
  let parts: readonly StackPlacement[] = [];
  const events = instance.events.length;
  expect(watch(instance, () => (parts = planned(instance.ask(firstOf(instance), plan(stack)))))).toEqual(['answer', 'ask']);
  instance.run(3_000);
  expect(states()).toEqual(before);
  expect(instance.events.slice(events)).toEqual([]);
  const [part] = parts;
  expect(part).toMatchObject({ containerId: stack.parts[0]?.request.containerId, supplier: instance.nodes[0]?.record.id });
  const { considered, by, supplier } = (part as StackPlacement).placement;
  expect({ by, supplier }).toEqual({ by: 'direct', supplier: part?.supplier });
  expect(considered.map(({ name, accepted, reason }) => [name, accepted, reason])).toEqual([
    ['node-1', true, undefined],
    ['node-2', false, undefined],
    ['node-3', false, undefined],
    ['node-4', false, 'memory'],
  ]);
});

test('parts take room from one another, groups together and apart; a run then does what the plan said', () => {
  const instance = instanceOf(3, room(2, 512));
  const stack = stackOf(instance, [
    [instance.request(room(1, 128)), 'app'],
    [instance.request(room(1, 128)), 'app'],
    [instance.request(room(0.5, 64), { policy: 'spread' }), 'web'],
    [instance.request(room(0.5, 64), { policy: 'spread' }), 'web'],
    [instance.request(room(1.5, 64))],
  ]);
  const nodes = planned(instance.ask(firstOf(instance), plan(stack))).map(({ supplier }) => supplier);
  expect(nodes[0]).toBe(nodes[1]);
  expect(new Set([nodes[0], nodes[2], nodes[3]]).size).toBe(3);
  expect([nodes[2], nodes[3]]).toContain(nodes[4]);
  const result = instance.ask(firstOf(instance), { kind: 'run-stack', stack, exclude: [] });
  expect(result.ok).toBe(true);
});

test('what does not fit is refused in the words of a run', () => {
  const instance = instanceOf(2);
  const ask = (parts: readonly Part[]): string => refused(instance.ask(firstOf(instance), plan(stackOf(instance, parts)))).error.message;
  expect(ask([[instance.request(room(3, 64))]])).toBe(
    'no node has 3 CPUs and 64 MiB free: of 2 nodes 2 lack CPU (best: node-2 with 2 CPUs)'.replace('node-2', 'node-1'),
  );
  const small = Array.from({ length: 5 }, (_, i): Part => [instance.request(room(1, 64), { name: `w${i}` })]);
  expect(ask(small)).toBe('w4: no node has 1 CPU and 64 MiB free: of 2 nodes 2 lack CPU (best: node-1 with 0 CPUs)');
  expect(ask([1, 2, 3].map((): Part => [instance.request(room(0.1, 16)), 'web']))).toContain('has another part of the group');
});

test('the largest first, where the order of the file leaves no room for it', () => {
  const instance = instanceOf(2, room(2, 512));
  const parts = [0.5, 0.5, 2].map((cpus): Part => [instance.request(room(cpus, 64), { policy: 'spread' })]);
  const stack = stackOf(instance, parts);
  const nodes = planned(instance.ask(firstOf(instance), plan(stack))).map(({ supplier }) => supplier);
  expect(nodes[0]).toBe(nodes[1]);
  expect(nodes[2]).not.toBe(nodes[0]);
  expect(instance.ask(firstOf(instance), { kind: 'run-stack', stack, exclude: [] })).toMatchObject({ ok: true });
});

test('a node that does not answer is named, and the plan goes on without it', () => {
  const instance = instanceOf(3);
  const mute = instance.nodes[2] as TestNode;
  instance.drop = (_, to, message) => to === mute.record.id && message.kind === 'ask';
  const [part] = planned(instance.ask(firstOf(instance), plan(stackOf(instance, [[instance.request(room(1, 64))]]))));
  expect(part?.placement.considered.find(({ nodeId }) => nodeId === mute.record.id)).toMatchObject({ reason: 'unreachable' });
});

test('soft wishes are given up in a plan, too', () => {
  const instance = instanceOf(2);
  const wish = { constraints: [{ key: 'zone', operator: '==', value: 'eu', soft: true }] } as const;
  const [part] = planned(instance.ask(firstOf(instance), plan(stackOf(instance, [[instance.request(room(1, 64), wish)]]))));
  expect(part?.placement.givenUp).toEqual(['zone==~eu']);
});
