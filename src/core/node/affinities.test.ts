/** Affinities and soft wishes: where a container wants to be by what is on a node already. */
import { expect, test } from 'vitest';
import type { Affinity, Command, Constraint, NodeId, Request, Result, Stack } from '../model/index.ts';
import { requestId } from '../model/index.ts';
import { TestInstance, room } from './test-instance.ts';
import type { TestNode } from './test-instance.ts';
import { firstOf, instanceOf, placed, refused } from './test-words.ts';

const affinity = (operator: Affinity['operator'], value: string, change: Partial<Affinity> = {}): Affinity => ({
  subject: 'container',
  key: '',
  operator,
  value,
  soft: false,
  ...change,
});
const constraint = (key: string, value: string, soft: boolean): Constraint => ({ key, operator: '==', value, soft });
const on = (node: TestNode): Partial<Request> => ({ constraints: [constraint('node', node.record.name, false)] });

function run(instance: TestInstance, change: Partial<Request>, amount = room(0.1, 16), at = firstOf(instance)): Result {
  return instance.ask(at, { kind: 'run', request: instance.request(amount, change), exclude: [] });
}

function stackOf(instance: TestInstance, requests: readonly Request[]): Command {
  const stack: Stack = {
    id: requestId(instance.random.hex(16)),
    groups: [],
    parts: requests.map((request) => ({ request, group: undefined })),
  };
  return { kind: 'run-stack', stack, exclude: [] };
}

function suppliers(result: Result): readonly NodeId[] {
  if (!result.ok || result.kind !== 'stack-placed') throw new Error(`not placed: ${JSON.stringify(result)}`);
  return result.parts.map(({ supplier }) => supplier);
}

test('with a container, its image or its label, and not with them', () => {
  const instance = instanceOf(3);
  const [a, b] = instance.nodes as [TestNode, TestNode, TestNode];
  placed(run(instance, { name: 'db', image: 'docker.io/library/redis:latest', labels: { app: 'store' }, ...on(b) }));
  const with_ = (...affinities: Affinity[]): Result => run(instance, { affinities });
  expect(placed(with_(affinity('==', 'db'))).supplier).toBe(b.record.id);
  expect(placed(with_(affinity('==', 'd*'))).supplier).toBe(b.record.id);
  expect(placed(with_(affinity('==', 'redis', { subject: 'image' }))).supplier).toBe(b.record.id);
  expect(placed(with_(affinity('==', 'store', { subject: 'label', key: 'app' }))).supplier).toBe(b.record.id);
  for (let i = 0; i < 4; i++) expect(placed(with_(affinity('!=', 'db'))).supplier).not.toBe(b.record.id);
  expect(refused(with_(affinity('==', 'web'))).error.message).toBe(
    'no node can take it: of 3 nodes 3 do not meet the affinities (has no container web)',
  );
  const nowhere = [affinity('==', 'db'), affinity('!=', 'store', { subject: 'label', key: 'app' })];
  expect(refused(with_(...nowhere)).error.message).toContain('has a container with label app=store already (db)');
  expect(a.node.resources().holds).toBe(0);
});

test('of two that must not be together and are placed at once, at most one comes to a node', () => {
  for (let seed = 1; seed <= 6; seed++) {
    const instance = instanceOf(2, room(2, 512), seed);
    const alone = (name: string): Partial<Request> => ({ name, affinities: [affinity('!=', 'web-*')] });
    const ids = ['web-a', 'web-b', 'web-c'].map((name, i) =>
      instance.command(instance.nodes[i % 2] as TestNode, {
        kind: 'run',
        request: instance.request(room(0.1, 16), alone(name)),
        exclude: [],
      }),
    );
    instance.run(20_000);
    expect(ids.filter((id) => instance.result(id).ok)).toHaveLength(2);
    for (const { node } of instance.nodes) expect(node.containers()).toHaveLength(1);
    for (const { node } of instance.nodes) expect(node.resources().holds).toBe(0);
  }
});

test('soft wishes are met where there is room, else given up and told', () => {
  const instance = instanceOf(3, room(1, 256));
  const [, b] = instance.nodes as [TestNode, TestNode];
  placed(run(instance, { name: 'db', ...on(b) }, room(0.5, 128)));
  const wish = { affinities: [affinity('==', 'db', { soft: true })] };
  const first = placed(run(instance, wish, room(0.5, 64)));
  expect(first.supplier).toBe(b.record.id);
  expect(first.placement.givenUp).toBeUndefined();
  const second = placed(run(instance, wish, room(0.5, 64)));
  expect(second.supplier).not.toBe(b.record.id);
  expect(second.placement.givenUp).toEqual(['container==~db']);
  const third = placed(run(instance, { constraints: [constraint('zone', 'eu', true)] }));
  expect(third.placement.givenUp).toEqual(['zone==~eu']);
  const none = refused(run(instance, wish, room(3, 64)));
  expect(none.error.message).toContain('no node has 3 CPUs');
  expect(none.placement?.givenUp).toEqual(['container==~db']);
});

test('parts of a stack count for later ones, also before they are launched', () => {
  const instance = instanceOf(4, room(1, 512));
  const db = instance.request(room(0.3, 64), { name: 'db', labels: { app: 'store' } });
  const web = instance.request(room(0.3, 64), { name: 'web', affinities: [affinity('==', 'store', { subject: 'label', key: 'app' })] });
  const spare = instance.request(room(0.3, 64), { name: 'spare', affinities: [affinity('!=', 'db'), affinity('!=', 'web')] });
  const nodes = suppliers(instance.ask(firstOf(instance), stackOf(instance, [db, web, spare])));
  expect(nodes[1]).toBe(nodes[0]);
  expect(nodes[2]).not.toBe(nodes[0]);
});

test('a part that moves to another node takes those with it that want to be there', () => {
  const instance = instanceOf(3, room(2, 512));
  const db = instance.request(room(0.3, 64), { name: 'db' });
  const web = instance.request(room(0.3, 64), { name: 'web', affinities: [affinity('==', 'db')] });
  for (const { host } of instance.nodes.slice(0, 2)) host.failsFor.add(db.containerId);
  const nodes = suppliers(instance.ask(firstOf(instance), stackOf(instance, [db, web])));
  expect(nodes).toEqual([instance.nodes[2]?.record.id, instance.nodes[2]?.record.id]);
  instance.run(6_000);
  for (const { node } of instance.nodes) expect(node.resources().holds).toBe(0);
});
