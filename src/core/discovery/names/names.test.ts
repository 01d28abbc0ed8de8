import { describe, expect, test } from 'vitest';
import { LIMITS, containerId, nodeId } from '../../model/index.ts';
import type { Container, NameMessage } from '../../model/index.ts';
import { newName } from './new-name.ts';
import { NamesCluster } from './test-cluster.ts';
import type { NamesNode } from './test-cluster.ts';
import { NAMES } from './tunables.ts';

const idOf = (container: Container): string => container.request.containerId;

/** Every container is found by name and id prefix where it should be, and nothing else is there. */
function expectWhole(cluster: NamesCluster): void {
  const here = cluster.nodes.flatMap((node) => [...node.containers.values()].map((container) => ({ node, container })));
  const names = here.map(({ container }) => container.name);
  expect(new Set(names).size).toBe(names.length);
  for (const { node, container } of here) {
    const entry = { containerId: idOf(container), name: container.name, node: node.id, value: '' };
    expect(cluster.lookUp(cluster.at(0), { kind: 'name', name: container.name })).toEqual({ entries: [entry], complete: true });
    expect(cluster.lookUp(cluster.at(1), { kind: 'id', prefix: idOf(container).slice(0, 12) })).toEqual({
      entries: [entry],
      complete: true,
    });
  }
  const known = new Set(here.map(({ container }) => `${idOf(container)} ${container.name}`));
  for (const node of cluster.nodes) {
    for (const { containerId, name } of node.names.entries()) expect(known).toContain(`${containerId} ${name}`);
  }
}

describe('look-up', () => {
  test('by name, id prefix, label and image, from anywhere; gone when the container is', () => {
    const cluster = new NamesCluster(1, 5);
    const [a, b] = [cluster.at(0), cluster.at(1)];
    const web = cluster.add(a, 'web', {
      labels: { tier: 'front', note: 'x'.repeat(LIMITS.nameValueBytes + 1) },
      image: 'docker.io/library/nginx:1',
    });
    const other = cluster.add(b, 'db', { labels: { tier: 'back' } });
    cluster.run(500);
    const entry = { containerId: idOf(web), name: 'web', node: a.id, value: '' };
    for (const asker of cluster.nodes) {
      expect(cluster.lookUp(asker, { kind: 'name', name: 'web' })).toEqual({ entries: [entry], complete: true });
      expect(cluster.lookUp(asker, { kind: 'id', prefix: idOf(web).slice(0, 5) })).toEqual({ entries: [entry], complete: true });
      for (const reference of ['docker.io/library/nginx:1', 'nginx']) {
        const image = { ...entry, value: 'docker.io/library/nginx:1' };
        expect(cluster.lookUp(asker, { kind: 'image', reference }).entries).toEqual([image]);
      }
      const tiers = cluster.lookUp(asker, { kind: 'label', key: 'tier' }).entries;
      expect(new Map(tiers.map(({ name, value }) => [name, value]))).toEqual(
        new Map([
          ['web', 'front'],
          ['db', 'back'],
        ]),
      );
      expect(cluster.lookUp(asker, { kind: 'label', key: 'note' })).toEqual({ entries: [], complete: true });
      expect(cluster.lookUp(asker, { kind: 'name', name: 'nobody' })).toEqual({ entries: [], complete: true });
      expect(cluster.lookUp(asker, { kind: 'id', prefix: idOf(web).slice(0, 2) })).toEqual({ entries: [], complete: false });
    }
    cluster.remove(a, web.request.containerId);
    cluster.run(500);
    expect(cluster.lookUp(b, { kind: 'name', name: 'web' })).toEqual({ entries: [], complete: true });
    expect(cluster.lookUp(b, { kind: 'label', key: 'tier' }).entries.map(({ containerId }) => containerId)).toEqual([idOf(other)]);
  });

  test('what is lost on the way is said again', () => {
    const cluster = new NamesCluster(2, 4);
    cluster.loss = 0.6;
    const containers = Array.from({ length: 20 }, (_, i) => cluster.add(cluster.at(i % 4), `job-${i}`));
    for (const container of containers.slice(0, 10)) {
      const node = cluster.nodes.find((candidate) => candidate.containers.has(container.request.containerId)) as NamesNode;
      cluster.remove(node, container.request.containerId);
    }
    cluster.run(30_000);
    cluster.loss = 0;
    cluster.run(60_000);
    expectWhole(cluster);
  });

  test('an owner that does not answer, or has just taken the key over, leaves it open', () => {
    const cluster = new NamesCluster(3, 5);
    const owner = cluster.ownerOf('web');
    const asker = cluster.nodes.find((node) => node !== owner) as NamesNode;
    cluster.add(asker, 'web');
    cluster.run(500);
    cluster.drop = (from, to) => from === owner.id || to === owner.id;
    expect(cluster.lookUp(asker, { kind: 'name', name: 'web' })).toEqual({ entries: [], complete: false });
    for (const node of cluster.nodes) if (node !== owner) cluster.see(node, owner, 'dead');
    expect(cluster.lookUp(asker, { kind: 'name', name: 'nobody-yet' }).entries).toEqual([]);
    expect(cluster.lookUp(asker, { kind: 'name', name: 'web' }).complete).toBe(false);
    cluster.run(NAMES.takeOverMs);
    expect(cluster.lookUp(asker, { kind: 'name', name: 'web' })).toMatchObject({ entries: [{ node: asker.id }], complete: true });
  });

  test('a container that one node could not create is found on the next, though the first one’s words come late', () => {
    const cluster = new NamesCluster(35, 6);
    const owner = cluster.ownerOf('web');
    const [first, second, asker] = cluster.nodes.filter((node) => node !== owner) as [NamesNode, NamesNode, NamesNode];
    let held = true;
    cluster.hold = (from, to) => held && from === first.id && to === owner.id;
    const web = cluster.add(first, 'web');
    cluster.remove(first, web.request.containerId);
    cluster.add(second, 'web', { containerId: web.request.containerId });
    cluster.run(1_000);
    held = false;
    cluster.run(60_000);
    const entry = { containerId: idOf(web), name: 'web', node: second.id, value: '' };
    expect(cluster.lookUp(asker, { kind: 'name', name: 'web' })).toEqual({ entries: [entry], complete: true });
    expectWhole(cluster);
  });

  test('beyond a key’s bound it says that it does not know all', () => {
    const cluster = new NamesCluster(4, 2);
    for (let i = 0; i <= LIMITS.namesPerKey; i++) cluster.add(cluster.at(i % 2), `job-${i}`, { labels: { app: 'x' } });
    cluster.run(5_000);
    const { entries, complete } = cluster.lookUp(cluster.at(0), { kind: 'label', key: 'app' });
    expect([entries.length, complete]).toEqual([LIMITS.namesPerKey, false]);
  });

  test('refreshed, entries outlive their time; those of a node that is gone do not', () => {
    const cluster = new NamesCluster(5, 3);
    const web = cluster.add(cluster.at(0), 'web');
    const db = cluster.add(cluster.at(1), 'db');
    cluster.run(NAMES.ttlMs * 2);
    expectWhole(cluster);
    for (const node of cluster.nodes.slice(1)) cluster.see(node, cluster.at(0), 'dead');
    cluster.drop = (from, to) => from === cluster.at(0).id || to === cluster.at(0).id;
    cluster.run(NAMES.sweepMs * 2);
    for (const node of cluster.nodes.slice(1)) {
      expect(node.names.entries().map(({ containerId }) => containerId)).not.toContain(idOf(web));
    }
    expect(cluster.lookUp(cluster.at(2), { kind: 'name', name: 'db' }).entries).toMatchObject([{ containerId: idOf(db) }]);
  });
});

describe('claims', () => {
  test('of two at once one wins, and the other is told who', () => {
    const cluster = new NamesCluster(6, 4);
    const [first, second] = [cluster.claim(cluster.at(0), 'web'), cluster.claim(cluster.at(1), 'web')];
    cluster.run(1_000);
    const outcomes = [first.outcome(), second.outcome()];
    expect(outcomes.filter((outcome) => outcome === 'granted')).toHaveLength(1);
    const [winner, node] = first.outcome() === 'granted' ? [first, cluster.at(0)] : [second, cluster.at(1)];
    expect(outcomes.find((outcome) => outcome !== 'granted')).toEqual({ containerId: winner.wish.containerId, node: node.id });
  });

  test('a container’s name is taken; removed, it is free at once, though the word to the owner was lost', () => {
    const cluster = new NamesCluster(7, 4);
    const web = cluster.add(cluster.at(2), 'web');
    cluster.run(500);
    const refused = cluster.claim(cluster.at(1), 'web');
    cluster.run(1_000);
    expect(refused.outcome()).toEqual({ containerId: idOf(web), node: cluster.at(2).id });
    cluster.drop = (_from, _to, message) => message.kind === 'register';
    cluster.remove(cluster.at(2), web.request.containerId);
    const granted = cluster.claim(cluster.at(1), 'web');
    cluster.run(1_000);
    expect(granted.outcome()).toBe('granted');
  });

  test('a run that came to nothing frees its name, though the word was lost', () => {
    const cluster = new NamesCluster(8, 4);
    const first = cluster.claim(cluster.at(0), 'web');
    cluster.run(500);
    expect(first.outcome()).toBe('granted');
    cluster.drop = (_from, _to, message) => message.kind === 'name-release';
    cluster.input(cluster.at(0), (turn) => cluster.at(0).names.claims.release(turn, first.wish.requestId));
    const second = cluster.claim(cluster.at(1), 'web');
    cluster.run(1_000);
    expect(second.outcome()).toBe('granted');
  });

  test('a placed container whose node has not registered it yet is asked for where it was placed', () => {
    const cluster = new NamesCluster(9, 4);
    const first = cluster.claim(cluster.at(0), 'web');
    cluster.run(500);
    cluster.drop = (_from, _to, message) => message.kind === 'register';
    const container = cluster.add(cluster.at(3), 'web', { containerId: first.wish.containerId });
    cluster.input(cluster.at(0), (turn) => cluster.at(0).names.claims.placed(turn, first.wish.requestId, cluster.at(3).id));
    const second = cluster.claim(cluster.at(1), 'web');
    cluster.run(2_000);
    expect(second.outcome()).toEqual({ containerId: idOf(container), node: cluster.at(3).id });
    cluster.remove(cluster.at(3), container.request.containerId);
    const third = cluster.claim(cluster.at(2), 'web');
    cluster.run(2_000);
    expect(third.outcome()).toBe('granted');
  });

  test('without a word from the owner the claim is local; on this node it still counts', () => {
    const cluster = new NamesCluster(10, 4);
    const owner = cluster.ownerOf('web');
    const asker = cluster.nodes.find((node) => node !== owner) as NamesNode;
    cluster.drop = (from, to) => from === owner.id || to === owner.id;
    const first = cluster.claim(asker, 'web');
    const startMs = cluster.nowMs;
    while (first.outcome() === undefined) cluster.run(10);
    expect(first.outcome()).toBe('granted');
    expect(cluster.nowMs - startMs).toBeLessThanOrEqual(610);
    const second = cluster.claim(asker, 'web');
    expect(second.outcome()).toEqual({ containerId: first.wish.containerId, node: asker.id });
  });

  test('an answer that was lost is asked for again; a claim is its own', () => {
    const cluster = new NamesCluster(11, 4);
    let lost = 0;
    cluster.drop = (_from, _to, message) => message.kind === 'name-claimed' && lost++ === 0;
    const owner = cluster.ownerOf('web');
    const asker = cluster.nodes.find((node) => node !== owner) as NamesNode;
    const claim = cluster.claim(asker, 'web');
    cluster.run(550);
    expect([claim.outcome(), lost]).toEqual(['granted', 2]);
  });

  test('the owner dies during a claim: the next one decides', () => {
    const cluster = new NamesCluster(12, 5);
    const owner = cluster.ownerOf('web');
    const asker = cluster.nodes.find((node) => node !== owner) as NamesNode;
    const holder = cluster.nodes.find((node) => node !== owner && node !== asker) as NamesNode;
    const web = cluster.add(holder, 'web');
    cluster.run(500);
    cluster.drop = (from, to) => from === owner.id || to === owner.id;
    for (const node of cluster.nodes) if (node !== owner && node !== asker) cluster.see(node, owner, 'dead');
    cluster.run(NAMES.jitterMs + 100);
    const claim = cluster.claim(asker, 'web');
    cluster.run(100);
    cluster.see(asker, owner, 'dead');
    cluster.run(1_000);
    expect(claim.outcome()).toEqual({ containerId: idOf(web), node: holder.id });
  });

  test('a claim that is neither renewed nor placed runs out', () => {
    const cluster = new NamesCluster(13, 4);
    const first = cluster.claim(cluster.at(0), 'web');
    cluster.run(500);
    cluster.at(0).life++;
    cluster.at(0).names = cluster.at(0).make();
    cluster.run(NAMES.claimMs);
    const second = cluster.claim(cluster.at(1), 'web');
    cluster.run(1_000);
    expect([first.outcome(), second.outcome()]).toEqual(['granted', 'granted']);
  });
});

test('a claim under way is its buyer’s to give back: nobody else’s word ends it', () => {
  const cluster = new NamesCluster(14, 6);
  const owner = cluster.ownerOf('web');
  const [buyer, other, third] = cluster.nodes.filter((node) => node !== owner) as [NamesNode, NamesNode, NamesNode];
  const first = cluster.claim(buyer, 'web');
  cluster.run(500);
  const { containerId } = first.wish;
  const register = {
    kind: 'register',
    epoch: { incarnation: 1, counter: 1_000 },
    ownerIncarnation: undefined,
    rows: [],
    gone: [{ key: { kind: 'name', name: 'web' }, containerId }],
  } as const;
  cluster.input(owner, (turn) => owner.names.receive(turn, other.id, register));
  cluster.input(owner, (turn) => owner.names.receive(turn, other.id, { kind: 'name-release', containerId, name: 'web' }));
  const second = cluster.claim(third, 'web');
  cluster.run(1_000);
  expect([first.outcome(), second.outcome()]).toEqual(['granted', { containerId, node: buyer.id }]);
  cluster.input(owner, (turn) => owner.names.receive(turn, buyer.id, register));
  const last = cluster.claim(third, 'web');
  cluster.run(1_000);
  expect(last.outcome()).toBe('granted');
});

test('an owner that has restarted does not take what was sent to it before, and was long on its way', () => {
  const cluster = new NamesCluster(15, 4);
  const owner = cluster.ownerOf('web');
  const [node] = cluster.nodes.filter((each) => each !== owner) as [NamesNode];
  const late: NameMessage[] = [];
  cluster.drop = (from, to, message) => {
    const isFirst = late.length === 0 && message.kind === 'register' && from === node.id && to === owner.id;
    if (isFirst) late.push(message);
    return isFirst;
  };
  const web = cluster.add(node, 'web');
  cluster.run(5_000);
  cluster.remove(node, web.request.containerId);
  cluster.run(5_000);
  cluster.restart(owner, 3_000);
  for (const message of late) cluster.input(owner, (turn) => owner.names.receive(turn, node.id, message));
  cluster.run(60_000);
  expect([late.length, owner.names.entries()]).toEqual([1, []]);
});

describe('conflicts', () => {
  test.each([0, 1, 2, 3])('names made on both sides of a partition: the older keeps it, healed in order %i', (order) => {
    const cluster = new NamesCluster(20 + order, 5);
    const side = cluster.nodes.slice(0, 2);
    cluster.part(side);
    cluster.run(NAMES.takeOverMs);
    const older = cluster.add(cluster.at(0), 'web');
    cluster.run(100);
    const younger = cluster.add(cluster.at(3), 'web');
    cluster.run(5_000);
    const shift = cluster.nodes.slice(order);
    cluster.heal([...shift, ...cluster.nodes.filter((node) => !shift.includes(node))]);
    cluster.run(60_000);
    expect(cluster.at(0).containers.get(older.request.containerId)?.name).toBe('web');
    expect(cluster.at(3).containers.get(younger.request.containerId)?.name).toBe(`web-${idOf(younger).slice(0, 12)}`);
    expect(cluster.nodes.flatMap((node) => node.renames)).toHaveLength(1);
    expectWhole(cluster);
  });

  test('the word to the younger’s node is repeated until it has been heard', () => {
    const cluster = new NamesCluster(30, 3);
    cluster.add(cluster.at(0), 'web');
    let lost = 0;
    cluster.drop = (_from, _to, message) => message.kind === 'name-conflict' && lost++ < 2;
    cluster.run(100);
    cluster.add(cluster.at(1), 'web');
    cluster.run(NAMES.conflictMs + 3 * NAMES.conflictAgainMs);
    expect(cluster.at(1).renames).toHaveLength(1);
  });

  test('an older one that is being removed renames nobody', () => {
    const cluster = new NamesCluster(31, 3);
    const web = cluster.add(cluster.at(0), 'web');
    cluster.run(100);
    cluster.add(cluster.at(1), 'web');
    cluster.remove(cluster.at(0), web.request.containerId);
    cluster.run(60_000);
    expect(cluster.at(1).renames).toEqual([]);
  });

  test('what a node had before its restart, and has not registered since, renames nobody', () => {
    const cluster = new NamesCluster(32, 4);
    const owner = cluster.ownerOf('web');
    const [first, second] = cluster.nodes.filter((node) => node !== owner) as [NamesNode, NamesNode];
    const web = cluster.add(first, 'web');
    cluster.run(1_000);
    cluster.drop = (from) => from === first.id;
    cluster.remove(first, web.request.containerId);
    cluster.run(100);
    cluster.drop = () => false;
    cluster.restart(first, 100);
    cluster.run(5_000);
    cluster.add(second, 'web');
    cluster.run(60_000);
    expect(second.renames).toEqual([]);
    expectWhole(cluster);
  });

  test('an older one that is gone renames nobody, though its end can’t be told to the name’s owner', () => {
    const cluster = new NamesCluster(33, 4);
    const owner = cluster.ownerOf('web');
    const [first, second] = cluster.nodes.filter((node) => node !== owner) as [NamesNode, NamesNode];
    const web = cluster.add(first, 'web');
    cluster.run(1_000);
    cluster.drop = (from, to) => from === first.id && to === owner.id;
    cluster.remove(first, web.request.containerId);
    cluster.add(second, 'web');
    cluster.run(60_000);
    cluster.drop = () => false;
    cluster.run(60_000);
    expect(second.renames).toEqual([]);
    expectWhole(cluster);
  });

  test('a member’s word alone takes no name away', () => {
    const cluster = new NamesCluster(34, 3);
    const [node, liar, other] = [cluster.at(0), cluster.at(1), cluster.at(2)];
    const web = cluster.add(node, 'web');
    cluster.run(1_000);
    const nobody = nodeId('f'.repeat(32));
    cluster.drop = (_from, to) => to === nobody;
    for (const keeper of [other.id, nobody]) {
      const conflict = { containerId: web.request.containerId, name: 'web', keeperCreatedAtMs: 0 };
      const message = { kind: 'name-conflict', ...conflict, keeper: { containerId: containerId('0'.repeat(64)), node: keeper } } as const;
      for (let i = 0; i < 3; i++) cluster.input(node, (turn) => node.names.receive(turn, liar.id, message));
      expect(node.names.sizes().questions).toBe(1);
      cluster.run(5_000);
    }
    expect(node.renames).toEqual([]);
  });

  test('many at once, with loss, duplicates, restarts and partitions, come to rest with one name each', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const cluster = new NamesCluster(seed, 3 + (seed % 4));
      const { random } = cluster;
      cluster.loss = 0.05;
      cluster.duplicates = 0.05;
      for (let round = 0; round < 6; round++) {
        const side = cluster.nodes.filter(() => random.chance(0.5));
        if (random.chance(0.7)) cluster.part(side);
        for (let i = 0; i < 8; i++) {
          const node = cluster.at(random.int(cluster.nodes.length));
          const [id] = node.containers.keys();
          if (id !== undefined && random.chance(0.4)) cluster.remove(node, id);
          else cluster.add(node, `name-${random.int(5)}`);
          cluster.run(random.int(2_000));
        }
        cluster.heal();
        if (random.chance(0.3)) cluster.restart(cluster.at(random.int(cluster.nodes.length)), random.int(8_000));
        cluster.run(random.int(8_000));
      }
      cluster.loss = 0;
      cluster.run(180_000);
      expectWhole(cluster);
    }
  });
});

test('a new name fits, and is another one', () => {
  const id = containerId('ab'.repeat(32));
  expect(newName('web', id)).toBe('web-abababababab');
  for (const name of ['x'.repeat(128), 'é'.repeat(64), newName('x'.repeat(128), id)]) {
    expect(new TextEncoder().encode(newName(name, id)).length).toBeLessThanOrEqual(LIMITS.longNameBytes);
    expect(newName(name, id)).not.toBe(name);
  }
});
