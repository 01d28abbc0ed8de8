/** A user's rename: one of all that want a name has it, and a container has one name, whatever dies meanwhile. */
import { describe, expect, test } from 'vitest';
import { shortId } from '../model/index.ts';
import type { Container, Request, Result } from '../model/index.ts';
import { Ring } from '../ring/ring.ts';
import { room } from './test-instance.ts';
import type { TestInstance, TestNode } from './test-instance.ts';
import { firstOf, instanceOf, placed, refused } from './test-words.ts';

const DONE: Result = { ok: true, kind: 'done' };
const SMALL = room(0.1, 16);

interface Had {
  readonly request: Request;
  readonly node: TestNode;
}

function have(instance: TestInstance, name: string, asked = firstOf(instance)): Had {
  const request = instance.request(SMALL, { name });
  const { supplier } = placed(instance.ask(asked, { kind: 'run', request, exclude: [] }));
  return { request, node: instance.byId(supplier) };
}

const renameTo = ({ request: { containerId } }: Had, name: string) => ({ kind: 'rename', containerId, name }) as const;
const rename = (instance: TestInstance, had: Had, name: string): Result => instance.ask(had.node, renameTo(had, name));
const containers = (instance: TestInstance): readonly Container[] => instance.nodes.flatMap(({ node }) => node.containers());
const namesOf = (instance: TestInstance) => containers(instance).map(({ name }) => name);

function ownerOf(instance: TestInstance, name: string): TestNode {
  const ring = new Ring();
  for (const { record } of instance.nodes) ring.add(record.id);
  return instance.nodes.find(({ record }) => record.id === ring.owner(`name/${name}`)) as TestNode;
}

/** Ids of all that the directory knows by a name, asked from every node. */
function found(instance: TestInstance, name: string): readonly string[] {
  const ids = instance.nodes.flatMap((node) => {
    const result = instance.ask(node, { kind: 'look-up', key: { kind: 'name', name } });
    return result.ok && result.kind === 'found' ? result.entries.map(({ containerId }) => containerId) : ['?'];
  });
  return [...new Set(ids)];
}

describe('a rename', () => {
  test('gives another name, durably and everywhere, and gives up the old one', () => {
    const instance = instanceOf(4);
    const web = have(instance, 'web');
    expect(rename(instance, web, 'front')).toEqual(DONE);
    instance.run(1_000);
    expect(namesOf(instance)).toEqual(['front']);
    expect(web.node.host.containers.get(web.request.containerId)?.name).toBe('front');
    expect([found(instance, 'front'), found(instance, 'web')]).toEqual([[web.request.containerId], []]);
    const event = { kind: 'container-renamed', containerId: web.request.containerId, from: 'web', to: 'front', why: 'asked' };
    expect(instance.events.filter(({ kind }) => kind === 'container-renamed')).toEqual([event]);
    have(instance, 'web');
    expect(
      refused(instance.ask(firstOf(instance), { kind: 'run', request: instance.request(SMALL, { name: 'front' }), exclude: [] })),
    ).toMatchObject({
      error: { code: 'name-taken' },
      holder: { containerId: web.request.containerId },
    });
  });

  test('is over at once: its old name may be had right behind it, from any node', () => {
    const instance = instanceOf(3);
    for (const asked of instance.nodes) {
      const name = `web-of-${asked.record.name}`;
      const web = have(instance, name, asked);
      expect(rename(instance, web, `${name}-2`)).toEqual(DONE);
      expect(rename(instance, web, `${name}-3`)).toEqual(DONE);
      for (const free of [name, `${name}-2`]) have(instance, free, asked);
    }
    expect(new Set(namesOf(instance)).size).toBe(9);
  });

  test('to a name that is taken is refused, naming who has it', () => {
    const instance = instanceOf(3);
    const [web, db] = [have(instance, 'web'), have(instance, 'db')];
    const { error, holder } = refused(rename(instance, web, 'db'));
    expect(error).toEqual({
      code: 'name-taken',
      message: `the name db is taken by container ${shortId(db.request.containerId)} on ${db.node.record.name}: remove that one, or take another name`,
      changed: false,
    });
    expect(holder).toEqual({ containerId: db.request.containerId, node: db.node.record.id });
    expect(namesOf(instance).toSorted()).toEqual(['db', 'web']);
  });

  test('to its own name, to none, of none, and twice at once is refused', () => {
    const instance = instanceOf(3);
    const web = have(instance, 'web');
    expect(refused(rename(instance, web, 'web')).error).toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining('Renaming a container with the same name as its current name'),
    });
    expect(refused(rename(instance, web, 'x'.repeat(129))).error.code).toBe('invalid-request');
    const elsewhere = instance.nodes.find((node) => node !== web.node) as TestNode;
    expect(refused(instance.ask(elsewhere, renameTo(web, 'front'))).error.code).toBe('no-such-container');
    const ids = ['a', 'b'].map((name) => instance.command(web.node, renameTo(web, `front-${name}`)));
    instance.run(2_000);
    expect(ids.map((id) => instance.result(id))).toMatchObject([DONE, { ok: false, error: { code: 'wrong-state' } }]);
    expect(namesOf(instance)).toEqual(['front-a']);
  });

  test('comes to nothing where the disk is full, and its new name is free', () => {
    const instance = instanceOf(3);
    const web = have(instance, 'web');
    web.node.host.storeFails = true;
    expect(refused(rename(instance, web, 'front')).error.code).toBe('store-failed');
    web.node.host.storeFails = false;
    instance.run(6_000);
    expect(namesOf(instance)).toEqual(['web']);
    have(instance, 'front');
  });

  test('of one that goes meanwhile comes to nothing, and its new name is free', () => {
    const instance = instanceOf(3);
    const web = have(instance, 'web');
    const removed = instance.command(web.node, { kind: 'remove', containerId: web.request.containerId, force: true });
    expect(refused(rename(instance, web, 'front')).error.code).toMatch(/wrong-state|no-such-container/);
    expect(instance.result(removed)).toEqual(DONE);
    have(instance, 'front');
  });

  test('needs nobody: where the name’s owner is not reached it is done all the same', () => {
    const instance = instanceOf(3);
    const web = have(instance, 'web');
    instance.drop = (_from, _to, { kind }) => kind === 'name-claimed';
    expect(rename(instance, web, 'front')).toEqual(DONE);
    expect(namesOf(instance)).toEqual(['front']);
  });
});

describe('of all that want one name at once', () => {
  test('one gets it, runs and renames alike', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const instance = instanceOf(3, room(2, 512), seed);
      const had = ['a', 'b', 'c'].map((name) => have(instance, name));
      const renames = had.map((each) => instance.command(each.node, renameTo(each, 'web')));
      const runs = instance.nodes.map((node) =>
        instance.command(node, { kind: 'run', request: instance.request(SMALL, { name: 'web' }), exclude: [] }),
      );
      instance.run(5_000);
      const results = [...renames, ...runs].map((id) => instance.result(id));
      expect([seed, results.filter(({ ok }) => ok).length]).toEqual([seed, 1]);
      for (const result of results) if (!result.ok) expect(result.error.code).toBe('name-taken');
      expect(namesOf(instance).filter((name) => name === 'web')).toHaveLength(1);
      expect(new Set(namesOf(instance)).size).toBe(namesOf(instance).length);
    }
  });

  test('two that swap their names both keep their own: neither is free', () => {
    const instance = instanceOf(3);
    const [a, b] = [have(instance, 'a'), have(instance, 'b')];
    const ids = [instance.command(a.node, renameTo(a, 'b')), instance.command(b.node, renameTo(b, 'a'))];
    instance.run(3_000);
    for (const id of ids) expect(refused(instance.result(id)).error.code).toBe('name-taken');
    expect(namesOf(instance).toSorted()).toEqual(['a', 'b']);
  });
});

describe('a crash in the midst of it', () => {
  test('at any moment leaves one name, which the directory knows, and no other for good', () => {
    const left = new Set<string>();
    for (let afterMs = 0; afterMs <= 14; afterMs++) {
      const instance = instanceOf(3, room(2, 512), 100 + afterMs);
      const web = have(instance, 'web');
      instance.command(web.node, renameTo(web, 'front'));
      instance.run(afterMs);
      instance.crash(web.node);
      instance.run(200);
      instance.restart(web.node);
      instance.run(60_000);
      const [name] = namesOf(instance);
      left.add(name ?? '');
      const [other] = ['web', 'front'].filter((each) => each !== name);
      expect([found(instance, name ?? ''), found(instance, other ?? '')]).toEqual([[web.request.containerId], []]);
      have(instance, other ?? '');
    }
    expect([...left].toSorted()).toEqual(['front', 'web']);
  });

  test('of the name’s owner does not keep it from anybody', () => {
    const instance = instanceOf(4);
    const name = Array.from({ length: 50 }, (_, i) => `front-${i}`).find((each) => ownerOf(instance, each) !== firstOf(instance)) ?? '';
    const request = instance.request(SMALL, { name: 'web', constraints: [{ key: 'node', operator: '==', value: 'node-1', soft: false }] });
    placed(instance.ask(firstOf(instance), { kind: 'run', request, exclude: [] }));
    const web: Had = { request, node: firstOf(instance) };
    const owner = ownerOf(instance, name);
    instance.crash(owner);
    expect(rename(instance, web, name)).toEqual(DONE);
    instance.run(30_000);
    instance.restart(owner);
    instance.run(30_000);
    expect([found(instance, name), found(instance, 'web')]).toEqual([[request.containerId], []]);
  });
});

test('two that took one name on both sides of a partition: the older keeps it, the other is called otherwise', () => {
  const instance = instanceOf(4);
  const [left, right] = [instance.nodes.slice(0, 2), instance.nodes.slice(2)];
  const pin = (node: TestNode) => ({ constraints: [{ key: 'node', operator: '==', value: node.record.name, soft: false } as const] });
  const had = [left[0], right[0]].map((node, i) => {
    const request = instance.request(SMALL, { name: `web-${i}`, ...pin(node as TestNode) });
    placed(instance.ask(node as TestNode, { kind: 'run', request, exclude: [] }));
    return { request, node: node as TestNode };
  });
  const isLeft = (id: string): boolean => left.some(({ record }) => record.id === id);
  instance.drop = (from, to) => isLeft(from) !== isLeft(to);
  instance.run(30_000);
  for (const each of had) expect(rename(instance, each, 'web')).toEqual(DONE);
  instance.drop = () => false;
  instance.run(60_000);
  const [older, younger] = had as [Had, Had];
  expect(older.node.node.container(older.request.containerId)?.name).toBe('web');
  expect(younger.node.node.container(younger.request.containerId)?.name).toBe(`web-${shortId(younger.request.containerId)}`);
});
