import { describe, expect, onTestFinished, test } from 'vitest';
import type { AgreedNetwork, Lease, NetworkId, NodeId } from '../../core/model/index.ts';
import { Prng } from '../../lib/prng.ts';
import { AgreementUnavailable } from '../port.ts';
import { forwardPrefix, PREFIX } from '../state/keys.ts';
import { World, type WorldNode } from './world.test-helper.ts';
import { testSeed } from '../../../test/seed.ts';

const networkId = (n: number) => n.toString(16).padStart(64, '0') as NetworkId;
const NETWORK: AgreedNetwork = {
  id: networkId(1),
  name: 'one',
  subnet: { base: 0x0a000000, prefix: 16 },
  gateway: 0x0a000001,
  vni: 7,
  internal: false,
  mtu: undefined,
  labels: {},
  options: {},
  createdAtMs: 1,
};
const lease = (n: number, node: NodeId): Lease => ({ network: NETWORK.id, block: { base: NETWORK.subnet.base + n * 8, prefix: 29 }, node });

function worldOf(size: number, members: number, seed = testSeed()): World {
  console.log(`seed ${seed}`);
  const world = new World(new Prng(seed), size, members);
  onTestFinished(() => world.close());
  return world;
}

async function within<T>(world: World, ms: number, work: Promise<T>): Promise<T> {
  const state = { done: false };
  const marked = work.finally(() => {
    state.done = true;
  });
  marked.catch(() => {});
  for (let passed = 0; !state.done && passed < ms; passed += 10) await world.run(10);
  return marked;
}

const nodeAt = (world: World, i: number) => world.nodes[i] as WorldNode;

describe('following', () => {
  test('what a member agrees is in every copy at once, by pushes', async () => {
    const world = worldOf(8, 3);
    await within(world, 100, nodeAt(world, 0).state.createNetwork(NETWORK));
    await world.run(10);
    expect(world.nodes.map((node) => node.state.networks().length)).toEqual(Array.from({ length: 8 }, () => 1));
    expect(world.nodes.every((node) => node.copy.version.revision === world.cluster.version.revision)).toBe(true);
  });

  test('what a non-member changes is in its own copy before it is told, and then everywhere', async () => {
    const world = worldOf(5, 1);
    const last = nodeAt(world, 4);
    expect(await within(world, 100, last.state.createNetwork(NETWORK))).toEqual({ ok: true });
    expect(last.state.network(NETWORK.id)).toEqual(NETWORK);
    await world.run(10);
    expect(nodeAt(world, 2).state.network(NETWORK.id)).toEqual(NETWORK);
  });

  test('a node that missed pushes fetches the difference when it hears of a newer version', async () => {
    const world = worldOf(4, 1);
    await within(world, 100, nodeAt(world, 0).state.createNetwork(NETWORK));
    await world.run(10);
    const absent = nodeAt(world, 3);
    absent.isUp = false;
    await within(world, 100, nodeAt(world, 0).book.admitNode(nodeAt(world, 1).id, 'edge', 1));
    await world.run(5_000);
    expect(absent.state.nodes()).toEqual([]);
    absent.isUp = true;
    world.gossip();
    await world.run(1_000);
    expect(absent.state.nodes()).toHaveLength(1);
    expect(absent.copy.entries()).toEqual(nodeAt(world, 0).copy.entries());
  });

  test('a node that comes back asks the first it sees', async () => {
    const world = worldOf(3, 1);
    nodeAt(world, 2).isUp = false;
    await within(world, 100, nodeAt(world, 0).state.createNetwork(NETWORK));
    nodeAt(world, 2).isUp = true;
    nodeAt(world, 2).sync.alive(nodeAt(world, 1).id);
    await world.run(10);
    expect(nodeAt(world, 2).state.networks()).toHaveLength(1);
  });

  test('in a large instance the members share the pushes', async () => {
    const world = worldOf(90, 3);
    await within(world, 100, nodeAt(world, 0).state.createNetwork(NETWORK));
    await world.run(10);
    expect(world.nodes.every((node) => node.state.networks().length === 1)).toBe(true);
    expect(world.pushes).toBe(2 * 87);
  });

  test('another epoch replaces everything, whatever its revision', async () => {
    const world = worldOf(4, 1);
    await within(world, 100, nodeAt(world, 0).state.createNetwork(NETWORK));
    await within(world, 100, nodeAt(world, 0).book.admitNode(nodeAt(world, 1).id, 'edge', 1));
    await world.run(10);
    world.cluster.recover([], 2);
    await world.run(3_000);
    world.gossip();
    await world.run(3_000);
    expect(world.nodes.map((node) => [node.copy.version.epoch, node.copy.entries().length])).toEqual(
      Array.from({ length: 4 }, () => [2, 0]),
    );
  });

  test('a member that was cut off from the others takes what peers push, and goes on with its watch', async () => {
    const world = worldOf(4, 3);
    await world.run(10);
    nodeAt(world, 1).store.cut();
    await within(world, 100, nodeAt(world, 0).state.createNetwork(NETWORK));
    nodeAt(world, 1).sync.newer(nodeAt(world, 3).id, nodeAt(world, 3).copy.version);
    await world.run(1_000);
    expect(nodeAt(world, 1).state.networks()).toHaveLength(1);
    nodeAt(world, 1).store.heal();
    await within(world, 100, nodeAt(world, 0).book.admitNode(nodeAt(world, 3).id, 'edge', 1));
    await world.run(10);
    expect(nodeAt(world, 1).state.nodes()).toHaveLength(1);
  });

  test('where half of all messages are lost, all copies end the same', async () => {
    const world = worldOf(7, 3);
    const { random } = world;
    await within(world, 100, nodeAt(world, 0).state.createNetwork(NETWORK));
    for (const node of world.nodes.slice(0, 3)) await within(world, 1_000, node.book.admitNode(node.id, 'n', 1));
    world.loss = 0.5;
    for (let step = 0; step < 120; step++) {
      const writer = nodeAt(world, random.uint32() % 3);
      const { guard, leases } = await within(world, 100, writer.state.readLeases(NETWORK.id));
      const wanted = lease(random.uint32() % 32, writer.id);
      const has = leases.find((each) => each.block.base === wanted.block.base);
      await within(
        world,
        1_000,
        writer.state.changeLeases(NETWORK.id, guard, has === undefined ? { add: [wanted], remove: [] } : { add: [], remove: [has] }),
      );
      if (step % 10 === 0) world.gossip();
      for (const node of world.nodes) expect(node.copy.version.revision).toBeLessThanOrEqual(world.cluster.version.revision);
    }
    for (let round = 0; round < 10; round++) {
      world.gossip();
      await world.run(6_000);
    }
    const truth = world.cluster.list(PREFIX);
    for (const node of world.nodes) expect(node.copy.entries()).toEqual(truth);
  });
});

describe('by way of a member', () => {
  test('transactions whose requests and answers are lost happen once or not at all', async () => {
    const world = worldOf(5, 3);
    await within(world, 100, nodeAt(world, 0).state.createNetwork(NETWORK));
    const writers = world.nodes.slice(3);
    for (const writer of writers) await within(world, 5_000, writer.book.admitNode(writer.id, 'n', 1));
    world.loss = 0.3;
    let unknown = 0;
    for (let step = 0; step < 100; step++) {
      const writer = writers[step % 2] as WorldNode;
      const before = world.cluster.list(`${PREFIX}leases/`).filter((entry) => !entry.key.endsWith('guard')).length;
      const guard = world.cluster.read(`${PREFIX}leases/${NETWORK.id}/guard`)?.modRevision ?? 0;
      const outcome = await within(
        world,
        5_000,
        writer.state.changeLeases(NETWORK.id, guard, { add: [lease(step, writer.id)], remove: [] }),
      ).catch((error: unknown) => {
        expect(error).toBeInstanceOf(AgreementUnavailable);
        return (error as AgreementUnavailable).changed;
      });
      const after = world.cluster.list(`${PREFIX}leases/`).filter((entry) => !entry.key.endsWith('guard')).length;
      if (outcome === 'done') expect(after).toBe(before + 1);
      else if (outcome === 'no' || outcome === 'moved') expect(after).toBe(before);
      else unknown += 1;
      // Nobody else writes.
      expect(outcome).not.toBe('moved');
    }
    expect(unknown).toBeLessThan(60);
  });

  test('without a majority it says so, and that nothing was changed', async () => {
    const world = worldOf(3, 1);
    nodeAt(world, 0).store.cut();
    const failed = within(world, 5_000, nodeAt(world, 2).state.createNetwork(NETWORK));
    await expect(failed).rejects.toMatchObject({ changed: 'no', message: 'No majority' });
  });

  test('a node that is no member ends its own being in the instance by it, and leaves one slot at most', async () => {
    const world = worldOf(3, 1);
    const last = nodeAt(world, 2);
    const other = nodeAt(world, 1);
    await within(world, 1_000, last.book.admitNode(last.id, 'last', 1));
    await within(world, 1_000, last.state.createNetwork(NETWORK));
    const { guard } = await within(world, 1_000, last.state.readLeases(NETWORK.id));
    await within(world, 1_000, last.state.changeLeases(NETWORK.id, guard, { add: [lease(1, last.id)], remove: [] }));
    expect(await within(world, 3_000, last.book.endNode(last.id, 'left', 2))).toMatchObject({ state: 'left' });
    expect(world.cluster.list(forwardPrefix(last.id)).length).toBeLessThanOrEqual(1);
    await world.run(10);
    expect([other.state.node(last.id)?.state, other.state.leasesOf(last.id)]).toEqual(['left', []]);
  });

  test('a member that is gone is not the end while another answers', async () => {
    const world = worldOf(5, 3);
    nodeAt(world, 0).isUp = false;
    expect(await within(world, 5_000, nodeAt(world, 4).state.createNetwork(NETWORK))).toEqual({ ok: true });
  });
});
