/** Names from a run to its container: claimed, held, given back, fought over. */
import { describe, expect, test } from 'vitest';
import { NAMES } from '../discovery/names/tunables.ts';
import { shortId } from '../model/index.ts';
import type { Command, NameKey, NodeId, Request, Result } from '../model/index.ts';
import { Ring } from '../ring/ring.ts';
import { room } from './test-instance.ts';
import type { TestInstance, TestNode } from './test-instance.ts';
import { firstOf, instanceOf, placed, refused } from './test-words.ts';

const run = (request: Request): Command => ({ kind: 'run', request, exclude: [] });
const at = (instance: TestInstance, index: number): TestNode => instance.nodes[index] as TestNode;
const containers = (instance: TestInstance) => instance.nodes.flatMap(({ node }) => node.containers());

function found(result: Result): Extract<Result, { kind: 'found' }> {
  if (!result.ok || result.kind !== 'found') throw new Error(`not found: ${JSON.stringify(result)}`);
  return result;
}

/** While everybody is alive. */
function keyOwner(instance: TestInstance, key: string): NodeId | undefined {
  const ring = new Ring();
  for (const { record } of instance.nodes) ring.add(record.id);
  return ring.owner(key);
}

describe('a claim', () => {
  test('of a name that is taken is refused from anywhere, naming who has it; removed, it is free', () => {
    const instance = instanceOf(4);
    const web = instance.request(room(0.1, 16), { name: 'web' });
    const { supplier } = placed(instance.ask(firstOf(instance), run(web)));
    for (const node of instance.nodes) {
      const again = instance.request(room(0.1, 16), { name: 'web' });
      const { error, holder } = refused(instance.ask(node, run(again)));
      expect(error).toMatchObject({ code: 'name-taken', changed: false });
      expect(error.message).toBe(
        `the name web is taken by container ${shortId(web.containerId)} on ${instance.byId(supplier).record.name}: remove that one, or take another name`,
      );
      expect(holder).toEqual({ containerId: web.containerId, node: supplier });
    }
    expect(containers(instance)).toHaveLength(1);
    instance.ask(instance.byId(supplier), { kind: 'remove', containerId: web.containerId, force: true });
    placed(instance.ask(at(instance, 3), run(instance.request(room(0.1, 16), { name: 'web' }))));
  });

  test('made twice at once is one container, whoever asks', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const instance = instanceOf(3, room(2, 512), seed);
      const ids = instance.nodes.map((node) => instance.command(node, run(instance.request(room(0.1, 16), { name: 'web' }))));
      instance.run(5_000);
      const results = ids.map((id) => instance.result(id));
      expect(results.filter(({ ok }) => ok)).toHaveLength(1);
      for (const result of results) if (!result.ok) expect(result.error.code).toBe('name-taken');
      expect(containers(instance)).toHaveLength(1);
    }
  });

  test('goes beside the find: what is held waits for the name, and is given back where that is taken', () => {
    const instance = instanceOf(3);
    placed(instance.ask(firstOf(instance), run(instance.request(room(0.1, 16), { name: 'web' }))));
    const holds = () => instance.nodes.reduce((sum, { node }) => sum + node.resources().holds, 0);
    const pinned = (name: string): Request => {
      const elsewhere = { key: 'node', operator: '==', value: at(instance, 2).record.name, soft: false } as const;
      return instance.request(room(0.1, 16), { name, constraints: [elsewhere] });
    };
    instance.drop = (_from, _to, { kind }) => kind === 'name-claimed';
    const asker = instance.nodes.find(({ record }) => record.id !== keyOwner(instance, 'name/db')) as TestNode;
    const alone = instance.command(asker, run(pinned('db')));
    instance.run(100);
    expect([holds(), containers(instance).length]).toEqual([1, 1]);
    instance.run(2_000);
    placed(instance.result(alone));
    instance.drop = () => false;
    for (const node of instance.nodes) expect(refused(instance.ask(node, run(pinned('web')))).error.code).toBe('name-taken');
    instance.run(1_000);
    expect([holds(), containers(instance).length]).toEqual([0, 2]);
  });

  test('costs a round trip', () => {
    const instance = instanceOf(5);
    for (const node of instance.nodes) {
      const before = instance.sent.get('name-claim') ?? 0;
      placed(instance.ask(node, run(instance.request(room(0.1, 16)))));
      expect((instance.sent.get('name-claim') ?? 0) - before).toBeLessThanOrEqual(1);
    }
  });

  test('is given back by a run that finds no room', () => {
    const instance = instanceOf(3);
    expect(refused(instance.ask(firstOf(instance), run(instance.request(room(99, 16), { name: 'web' })))).error.code).toBe('no-room');
    placed(instance.ask(at(instance, 1), run(instance.request(room(0.1, 16), { name: 'web' }))));
  });

  test('can be cancelled: one reply, nothing placed, the name free', () => {
    const instance = instanceOf(3);
    instance.drop = (_from, _to, message) => message.kind === 'name-claimed';
    const web = instance.request(room(0.1, 16), { name: 'web' });
    const asker = instance.nodes.find(({ record }) => record.id !== keyOwner(instance, 'name/web')) as TestNode;
    const id = instance.command(asker, run(web));
    instance.run(100);
    expect(asker.node.runs()).toEqual([web]);
    expect(instance.ask(asker, { kind: 'cancel-run', requestId: web.id })).toEqual({ ok: true, kind: 'done' });
    expect(refused(instance.result(id)).error.code).toBe('cancelled');
    instance.drop = () => false;
    instance.run(5_000);
    expect(containers(instance)).toEqual([]);
    expect(asker.node.runs()).toEqual([]);
    placed(instance.ask(at(instance, 1), run(instance.request(room(0.1, 16), { name: 'web' }))));
  });

  test('that nobody answers is local: the run goes on', () => {
    const instance = instanceOf(4);
    instance.drop = (_from, _to, message) => message.kind === 'name-claim';
    for (const node of instance.nodes) placed(instance.ask(node, run(instance.request(room(0.1, 16)))));
    expect(containers(instance)).toHaveLength(4);
  });

  test('of one request twice is refused; the first goes on', () => {
    const instance = instanceOf(2);
    const web = instance.request(room(0.1, 16));
    const first = instance.command(firstOf(instance), run(web));
    const second = refused(instance.ask(firstOf(instance), run(web)));
    expect(second.error.code).toBe('wrong-state');
    instance.run(1_000);
    placed(instance.result(first));
  });
});

describe('after healing', () => {
  test('of two containers of one name the younger is renamed, durably, and says so', () => {
    const instance = instanceOf(4);
    const side = new Set(instance.nodes.slice(0, 2).map(({ record }) => record.id));
    instance.drop = (from, to) => side.has(from) !== side.has(to);
    instance.run(20_000);
    const [older, younger] = [instance.request(room(0.1, 16), { name: 'web' }), instance.request(room(0.1, 16), { name: 'web' })];
    const here = placed(instance.ask(at(instance, 0), run(older)));
    const there = placed(instance.ask(at(instance, 3), run(younger)));
    expect([side.has(here.supplier), side.has(there.supplier)]).toEqual([true, false]);
    instance.drop = () => false;
    instance.run(60_000);
    const to = `web-${shortId(younger.containerId)}`;
    expect(instance.byId(here.supplier).node.container(older.containerId)?.name).toBe('web');
    expect(instance.byId(there.supplier).node.container(younger.containerId)?.name).toBe(to);
    expect(instance.byId(there.supplier).host.containers.get(younger.containerId)?.name).toBe(to);
    const renamed = instance.events.filter(({ kind }) => kind === 'container-renamed');
    expect(renamed).toMatchObject([{ containerId: younger.containerId, from: 'web', to, why: expect.stringContaining('is older') }]);
    const key: NameKey = { kind: 'name', name: to };
    expect(found(instance.ask(at(instance, 1), { kind: 'look-up', key }))).toMatchObject({
      entries: [{ containerId: younger.containerId, node: there.supplier, name: to }],
      complete: true,
    });
    instance.crash(instance.byId(there.supplier));
    instance.run(1_000);
    instance.restart(instance.byId(there.supplier));
    expect(instance.byId(there.supplier).node.container(younger.containerId)?.name).toBe(to);
  });

  test('a full disk keeps it from being renamed; as soon as there is room it is', () => {
    const instance = instanceOf(2);
    const [a, b] = [at(instance, 0), at(instance, 1)];
    instance.drop = () => true;
    instance.run(15_000);
    const [older, younger] = [instance.request(room(0.1, 16), { name: 'web' }), instance.request(room(0.1, 16), { name: 'web' })];
    placed(instance.ask(a, run(older)));
    placed(instance.ask(b, run(younger)));
    b.host.storeFails = true;
    instance.drop = () => false;
    instance.run(60_000);
    expect(b.node.container(younger.containerId)?.name).toBe('web');
    b.host.storeFails = false;
    instance.run(10_000);
    expect(b.host.containers.get(younger.containerId)?.name).toBe(`web-${shortId(younger.containerId)}`);
  });
});

test('a node that restarts registers what it kept; an owner that restarts is told anew', () => {
  const instance = instanceOf(3);
  const web = instance.request(room(0.1, 16), { name: 'web', labels: { tier: 'front' }, image: 'nginx' });
  const { supplier } = placed(instance.ask(firstOf(instance), run(web)));
  instance.run(500);
  for (const victim of [instance.byId(supplier), instance.byId(keyOwner(instance, 'name/web') as NodeId)]) {
    instance.crash(victim);
    instance.run(500);
    instance.restart(victim);
    instance.run(NAMES.takeOverMs + NAMES.jitterMs);
    for (const key of [
      { kind: 'name', name: 'web' },
      { kind: 'id', prefix: web.containerId.slice(0, 4) },
      { kind: 'label', key: 'tier' },
      { kind: 'image', reference: 'nginx' },
    ] as const) {
      const { entries, complete } = found(instance.ask(at(instance, 2), { kind: 'look-up', key }));
      expect([key.kind, entries.length, entries[0]?.node, complete]).toEqual([key.kind, 1, supplier, true]);
    }
  }
});
