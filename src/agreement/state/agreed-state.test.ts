import { describe, expect, test } from 'vitest';
import { type Lease, NO_VERSION, type NetworkId } from '../../core/model/index.ts';
import { testNetwork, testNetworkId, testNodeId, testSubnet } from '../../core/model/network.test-helper.ts';
import { MemoryCluster } from '../fake/memory-cluster.ts';
import { MemoryStore } from '../fake/memory-store.ts';
import { AgreementUnavailable } from '../port.ts';
import { AgreedStateOver } from './agreed-state.ts';
import { AgreedTokens } from './agreed-tokens.ts';
import { Copy } from './copy.ts';
import type { Follow } from './deciding.ts';
import { PREFIX } from './keys.ts';
import { freeName, NodeBook } from './node-book.ts';
import { NodeGone } from './port.ts';

/** A node whose copy is brought up to date when it must be, and not before. */
function nodeOn(cluster: MemoryCluster) {
  const store = new MemoryStore(cluster);
  const copy = new Copy({ store: { agreed: () => ({ version: NO_VERSION, entries: [] }), putAgreed: () => {} }, report: () => {} });
  const announced: NetworkId[] = [];
  const catchUp = async () => {
    const { value, version } = await store.range(PREFIX);
    copy.apply({ from: undefined, version, entries: value, removed: [] });
  };
  const follow: Follow = { reach: catchUp, announce: async (id) => void announced.push(id) };
  return {
    store,
    copy,
    announced,
    catchUp,
    state: new AgreedStateOver(store, copy, follow),
    nodes: new NodeBook(store, copy, follow),
    tokens: new AgreedTokens(store),
  };
}

describe('networks', () => {
  test('clash by name, subnet and VNI, whatever the copy of who asks shows', async () => {
    const cluster = new MemoryCluster();
    const [a, b] = [nodeOn(cluster), nodeOn(cluster)];
    const first = testNetwork(1, '10.0.0.0/16');
    expect(await a.state.createNetwork(first)).toEqual({ ok: true });
    expect(b.state.networks()).toEqual([]);
    expect(await b.state.createNetwork(testNetwork(2, '10.1.0.0/16', { name: 'net-1' }))).toEqual({
      ok: false,
      clash: 'name',
      with: first,
    });
    expect(await b.state.createNetwork(testNetwork(2, '10.0.4.0/24'))).toEqual({ ok: false, clash: 'subnet', with: first });
    expect(await b.state.createNetwork(testNetwork(2, '10.1.0.0/16', { vni: 101 }))).toEqual({ ok: false, clash: 'vni', with: first });
    expect(await b.state.createNetwork(testNetwork(2, '10.1.0.0/16'))).toEqual({ ok: true });
    // Who repeats is told the same.
    expect(await a.state.createNetwork(first)).toEqual({ ok: true });
    expect(a.state.networks()).toHaveLength(2);
  });

  test('a copy that shows what was removed refuses nothing', async () => {
    const cluster = new MemoryCluster();
    const [a, b] = [nodeOn(cluster), nodeOn(cluster)];
    await a.state.createNetwork(testNetwork(1, '10.0.0.0/16'));
    await b.catchUp();
    expect(await a.state.removeNetwork(testNetworkId(1))).toBe('removed');
    expect(b.state.networks()).toHaveLength(1);
    expect(await b.state.createNetwork(testNetwork(2, '10.0.0.0/16', { name: 'net-1', vni: 101 }))).toEqual({ ok: true });
    expect(await a.state.removeNetwork(testNetworkId(1))).toBe('absent');
  });

  test('of many that are made at once on overlapping subnets one is', async () => {
    const cluster = new MemoryCluster();
    const nodes = [1, 2, 3, 4, 5].map(() => nodeOn(cluster));
    const made = await Promise.all(nodes.map((node, i) => node.state.createNetwork(testNetwork(i + 1, '10.7.0.0/24'))));
    expect(made.filter((each) => each.ok)).toHaveLength(1);
    expect(made.filter((each) => !each.ok && each.clash === 'subnet')).toHaveLength(4);
  });

  test('without a majority nothing is made, and it is said', async () => {
    const cluster = new MemoryCluster();
    const a = nodeOn(cluster);
    a.store.cut();
    await expect(a.state.createNetwork(testNetwork(1, '10.0.0.0/16'))).rejects.toThrow(AgreementUnavailable);
  });

  test('a lost answer is recognised when it is asked again', async () => {
    const cluster = new MemoryCluster();
    const a = nodeOn(cluster);
    a.store.loseAnswers(1);
    await expect(a.state.createNetwork(testNetwork(1, '10.0.0.0/16'))).rejects.toThrow(AgreementUnavailable);
    expect(await a.state.createNetwork(testNetwork(1, '10.0.0.0/16'))).toEqual({ ok: true });
  });
});

describe('leases', () => {
  async function prepared() {
    const cluster = new MemoryCluster();
    const [a, b] = [nodeOn(cluster), nodeOn(cluster)];
    await a.nodes.admitNode(testNodeId(1), 'one', 1);
    await a.nodes.admitNode(testNodeId(2), 'two', 1);
    await a.state.createNetwork(testNetwork(1, '10.0.0.0/24'));
    await b.catchUp();
    const lease = (block: string, node: number): Lease => ({ network: testNetworkId(1), block: testSubnet(block), node: testNodeId(node) });
    return { cluster, a, b, lease };
  }

  test('change only where nobody changed them meanwhile', async () => {
    const { a, b, lease } = await prepared();
    const [readA, readB] = [await a.state.readLeases(testNetworkId(1)), await b.state.readLeases(testNetworkId(1))];
    expect(await a.state.changeLeases(testNetworkId(1), readA.guard, { add: [lease('10.0.0.0/29', 1)], remove: [] })).toBe('done');
    expect(a.announced).toEqual([testNetworkId(1)]);
    expect(await b.state.changeLeases(testNetworkId(1), readB.guard, { add: [lease('10.0.0.0/29', 2)], remove: [] })).toBe('moved');
    expect((await b.state.readLeases(testNetworkId(1))).leases).toEqual([lease('10.0.0.0/29', 1)]);
    expect(await a.state.removeNetwork(testNetworkId(1))).toEqual({ leased: [testNodeId(1)] });
  });

  test('a block may change hands, and be split, in one step', async () => {
    const { a, lease } = await prepared();
    const first = await a.state.readLeases(testNetworkId(1));
    await a.state.changeLeases(testNetworkId(1), first.guard, { add: [lease('10.0.0.0/29', 1)], remove: [] });
    const { guard } = await a.state.readLeases(testNetworkId(1));
    const change = { add: [lease('10.0.0.0/30', 1), lease('10.0.0.4/30', 2)], remove: [lease('10.0.0.0/29', 1)] };
    expect(await a.state.changeLeases(testNetworkId(1), guard, change)).toBe('done');
    expect(a.state.leases(testNetworkId(1))).toEqual(change.add);
    const next = await a.state.readLeases(testNetworkId(1));
    const handed = { add: [lease('10.0.0.4/30', 1)], remove: [lease('10.0.0.4/30', 2)] };
    expect(await a.state.changeLeases(testNetworkId(1), next.guard, handed)).toBe('done');
    expect(a.state.leasesOf(testNodeId(1))).toHaveLength(2);
    expect(a.state.leasesOf(testNodeId(2))).toEqual([]);
  });

  test('of a network that is gone, and for a node that is gone, there are none', async () => {
    const { a, b, lease } = await prepared();
    const { guard } = await a.state.readLeases(testNetworkId(1));
    await b.nodes.endNode(testNodeId(2), 'removed', 2);
    await expect(a.state.changeLeases(testNetworkId(1), guard, { add: [lease('10.0.0.0/29', 2)], remove: [] })).rejects.toThrow(
      /not in the instance/,
    );
    await b.state.removeNetwork(testNetworkId(1));
    expect(await a.state.changeLeases(testNetworkId(1), guard, { add: [lease('10.0.0.0/29', 1)], remove: [] })).toBe('no-network');
  });

  test('more than a transaction takes is refused before it is tried', async () => {
    const { a, lease } = await prepared();
    const add = Array.from({ length: 25 }, (_, i) => lease(`10.0.0.${i}/32`, 1));
    await expect(a.state.changeLeases(testNetworkId(1), 1, { add, remove: [] })).rejects.toThrow(RangeError);
  });
});

describe('nodes', () => {
  test('get name and number once; a taken name gets -2; numbers are never used again', async () => {
    const cluster = new MemoryCluster();
    const [a, b] = [nodeOn(cluster), nodeOn(cluster)];
    const first = await a.nodes.admitNode(testNodeId(1), 'edge', 1);
    const second = await b.nodes.admitNode(testNodeId(2), 'edge', 1);
    expect([first.name, first.number, second.name, second.number]).toEqual(['edge', 1, 'edge-2', 2]);
    expect(await b.nodes.admitNode(testNodeId(1), 'other', 9)).toEqual(first);
    expect(await a.nodes.endNode(testNodeId(1), 'left', 5)).toMatchObject({ state: 'left' });
    expect(await b.nodes.admitNode(testNodeId(3), 'edge', 6)).toMatchObject({ name: 'edge', number: 3 });
    // Who left may come again, to its own number.
    expect(await b.nodes.admitNode(testNodeId(1), 'edge', 7)).toMatchObject({ name: 'edge-3', number: 1, state: 'in' });
    expect(await b.nodes.admitNode(testNodeId(4), 'edge', 8)).toMatchObject({ name: 'edge-4', number: 4 });
  });

  test('that join at the same moment never share a name or number', async () => {
    const cluster = new MemoryCluster();
    const joined = await Promise.all(Array.from({ length: 12 }, (_, i) => nodeOn(cluster).nodes.admitNode(testNodeId(i + 1), 'edge', 1)));
    expect(new Set(joined.map((node) => node.name)).size).toBe(12);
    expect(joined.map((node) => node.number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  });

  test('a removed node gives up name and leases, many of them, and never comes back', async () => {
    const cluster = new MemoryCluster();
    const [a, b] = [nodeOn(cluster), nodeOn(cluster)];
    await a.nodes.admitNode(testNodeId(1), 'one', 1);
    await a.state.createNetwork(testNetwork(1, '10.0.0.0/16'));
    for (let i = 0; i < 60; i++) {
      const { guard } = await a.state.readLeases(testNetworkId(1));
      const block = { base: testSubnet('10.0.0.0/16').base + i * 8, prefix: 29 };
      await a.state.changeLeases(testNetworkId(1), guard, { add: [{ network: testNetworkId(1), block, node: testNodeId(1) }], remove: [] });
    }
    await b.catchUp();
    expect(await b.nodes.endNode(testNodeId(1), 'removed', 3)).toMatchObject({ name: 'one', state: 'removed' });
    expect([b.state.leasesOf(testNodeId(1)), b.copy.views.holdersGone()]).toEqual([[], []]);
    expect(await a.nodes.endNode(testNodeId(1), 'removed', 4)).toMatchObject({ state: 'removed', sinceMs: 3 });
    await expect(a.nodes.admitNode(testNodeId(1), 'one', 5)).rejects.toThrow(NodeGone);
    expect(await a.nodes.admitNode(testNodeId(2), 'one', 5)).toMatchObject({ name: 'one', number: 2 });
    expect(await a.nodes.endNode(testNodeId(9), 'removed', 5)).toBeUndefined();
  });

  test('a removal that broke off before the leases were returned is ended by whoever sees it', async () => {
    const cluster = new MemoryCluster();
    const [a, b] = [nodeOn(cluster), nodeOn(cluster)];
    await a.nodes.admitNode(testNodeId(1), 'one', 1);
    await a.state.createNetwork(testNetwork(1, '10.0.0.0/24'));
    const { guard } = await a.state.readLeases(testNetworkId(1));
    await a.state.changeLeases(testNetworkId(1), guard, {
      add: [{ network: testNetworkId(1), block: testSubnet('10.0.0.8/29'), node: testNodeId(1) }],
      remove: [],
    });
    a.store.loseAnswers(1);
    await expect(a.nodes.endNode(testNodeId(1), 'removed', 2)).rejects.toThrow(AgreementUnavailable);
    await b.catchUp();
    expect(b.copy.views.holdersGone()).toEqual([testNodeId(1)]);
    await b.nodes.returnHoldings(testNodeId(1));
    expect(b.copy.views.holdersGone()).toEqual([]);
  });

  test('a name stays a label when it is given a number', () => {
    const long = 'a'.repeat(63);
    expect(freeName(long, new Set([long]))).toBe(`${'a'.repeat(61)}-2`);
    expect(freeName('x', new Set(['x', 'x-2']))).toBe('x-3');
  });
});

describe('tokens', () => {
  const token = {
    id: 'a'.repeat(12),
    secretHash: 'a'.repeat(64),
    createdAtMs: 1,
    expiresAtMs: 10,
    singleUse: true,
    usedBy: undefined,
  };

  test('a single-use token lets in one of two that come at once', async () => {
    const cluster = new MemoryCluster();
    const [a, b] = [nodeOn(cluster), nodeOn(cluster)];
    await a.tokens.put(token);
    expect(await b.tokens.list()).toEqual([token]);
    const used = await Promise.all([a, b].map((node, i) => node.tokens.replace(token, { ...token, usedBy: testNodeId(i + 1) })));
    expect(used.filter(Boolean)).toHaveLength(1);
    expect(await a.tokens.remove(token.id)).toBe(true);
    expect(await b.tokens.remove(token.id)).toBe(false);
    expect(await b.tokens.remove('../nodes/in/x')).toBe(false);
    expect(await b.tokens.replace(token, token)).toBe(false);
  });
});

describe('where agreement was rebuilt', () => {
  /** Everything is written anew in the first revision, so that guards of different epochs have the same one. */
  function rebuild(cluster: MemoryCluster, epoch: number): void {
    cluster.recover(cluster.list(PREFIX), epoch);
  }

  test('a copy of before makes no network over one that it does not know, though the guard has the same revision', async () => {
    const cluster = new MemoryCluster();
    const [a, b] = [nodeOn(cluster), nodeOn(cluster)];
    await a.state.createNetwork(testNetwork(1, '10.0.0.0/16'));
    rebuild(cluster, 2);
    await b.catchUp();
    const theirs = testNetwork(2, '10.1.0.0/16');
    await a.state.createNetwork(theirs);
    rebuild(cluster, 3);
    expect(b.state.networks()).toHaveLength(1);
    expect(await b.state.createNetwork(testNetwork(3, '10.1.4.0/24'))).toEqual({ ok: false, clash: 'subnet', with: theirs });
  });

  test('leases that were read before do not change', async () => {
    const cluster = new MemoryCluster();
    const { state, nodes } = nodeOn(cluster);
    const network = testNetwork(1, '10.0.0.0/16');
    await state.createNetwork(network);
    await nodes.admitNode(testNodeId(1), 'n', 1);
    const lease: Lease = { network: network.id, block: testSubnet('10.0.0.64/26'), node: testNodeId(1) };
    rebuild(cluster, 2);
    const { guard } = await state.readLeases(network.id);
    rebuild(cluster, 3);
    expect(await state.changeLeases(network.id, guard, { add: [lease], remove: [] })).toBe('moved');
    const again = await state.readLeases(network.id);
    expect([again.guard, again.epoch]).toEqual([guard, 3]);
    expect(await state.changeLeases(network.id, again.guard, { add: [lease], remove: [] })).toBe('done');
  });
});
