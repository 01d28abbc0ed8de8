import { describe, expect, test } from 'vitest';
import { NO_VERSION } from '../../core/model/index.ts';
import { testNodeId } from '../../core/model/network.test-helper.ts';
import { MemoryCluster } from '../fake/memory-cluster.ts';
import { MemoryStore } from '../fake/memory-store.ts';
import { AgreementUnavailable } from '../port.ts';
import { AgreedStateOver } from './agreed-state.ts';
import { Copy } from './copy.ts';
import { KEYS, PREFIX } from './keys.ts';

const [ONE, TWO, THREE] = [testNodeId(1), testNodeId(2), testNodeId(3)] as const;

/** A node whose copy is brought up to date when it must be, and not before. */
function nodeOn(cluster: MemoryCluster) {
  const store = new MemoryStore(cluster);
  const copy = new Copy({ store: { agreed: () => ({ version: NO_VERSION, entries: [] }), putAgreed: () => {} }, report: () => {} });
  const catchUp = async () => {
    const { value, version } = await store.range(PREFIX);
    copy.apply({ from: undefined, version, entries: value, removed: [] });
  };
  return { store, copy, catchUp, state: new AgreedStateOver(store, copy, { reach: catchUp, announce: async () => {} }) };
}

async function prepared() {
  const cluster = new MemoryCluster();
  const [a, b] = [nodeOn(cluster), nodeOn(cluster)];
  for (const [i, id] of [ONE, TWO].entries()) await a.state.admitNode(id, `node-${i}`, 1);
  await b.catchUp();
  return { cluster, a, b };
}

describe('a named volume', () => {
  test('is whose claims it first, for who repeats and for who comes late', async () => {
    const { a, b } = await prepared();
    const first = await a.state.claimVolume('data', ONE, 7);
    expect(first).toEqual({ name: 'data', node: ONE, createdAtMs: 7 });
    expect(await a.state.claimVolume('data', ONE, 9)).toEqual(first);
    expect(b.state.volume('data')).toBeUndefined();
    expect(await b.state.claimVolume('data', TWO, 9)).toEqual(first);
    expect([b.state.volume('data'), b.state.volumes()]).toEqual([first, [first]]);
  });

  test('is one node’s where many claim it at once', async () => {
    const cluster = new MemoryCluster();
    const nodes = await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        const node = nodeOn(cluster);
        await node.state.admitNode(testNodeId(i + 1), `node-${i}`, 1);
        return node;
      }),
    );
    const claimed = await Promise.all(nodes.map(({ state }, i) => state.claimVolume('data', testNodeId(i + 1), i)));
    expect(new Set(claimed.map(({ node }) => node)).size).toBe(1);
  });

  test('is its node’s without a majority, too; another learns that nobody can say', async () => {
    const { a, b } = await prepared();
    await a.state.claimVolume('data', ONE, 7);
    a.store.cut();
    b.store.cut();
    expect(await a.state.claimVolume('data', ONE, 9)).toMatchObject({ node: ONE, createdAtMs: 7 });
    await expect(b.state.claimVolume('data', TWO, 9)).rejects.toThrow(AgreementUnavailable);
    await expect(a.state.claimVolume('other', ONE, 9)).rejects.toThrow(AgreementUnavailable);
  });

  test('is recognised where the answer was lost', async () => {
    const { a } = await prepared();
    a.store.loseAnswers(1);
    await expect(a.state.claimVolume('data', ONE, 7)).rejects.toThrow(AgreementUnavailable);
    expect(await a.state.claimVolume('data', ONE, 8)).toMatchObject({ node: ONE });
  });

  test('is given back by its node only', async () => {
    const { a, b } = await prepared();
    await a.state.claimVolume('data', ONE, 7);
    await b.state.releaseVolume('data', TWO);
    expect(b.state.volume('data')?.node).toBe(ONE);
    await a.state.releaseVolume('data', ONE);
    await a.state.releaseVolume('data', ONE);
    expect(a.state.volumes()).toEqual([]);
    expect(await b.state.claimVolume('data', TWO, 9)).toMatchObject({ node: TWO, createdAtMs: 9 });
  });

  test('that is just being given back is claimed anew, not taken for the node’s own still', async () => {
    const { a, b } = await prepared();
    await a.state.claimVolume('data', ONE, 7);
    const [, again] = await Promise.all([a.state.releaseVolume('data', ONE), a.state.claimVolume('data', ONE, 9)]);
    expect(again).toEqual({ name: 'data', node: ONE, createdAtMs: 9 });
    expect(await b.state.claimVolume('data', TWO, 10)).toEqual(again);
  });

  test.each(['left', 'removed'] as const)('is nobody’s once its node has %s, and however many there are', async (how) => {
    const { a, b } = await prepared();
    for (let i = 0; i < 60; i++) await a.state.claimVolume(`data-${i}`, ONE, 7);
    await a.state.claimVolume('kept', TWO, 7);
    await b.catchUp();
    await b.state.endNode(ONE, how, 9);
    expect([b.state.volumes(), b.copy.views.holdersGone()]).toEqual([[{ name: 'kept', node: TWO, createdAtMs: 7 }], []]);
    await expect(a.state.claimVolume('late', ONE, 9)).rejects.toThrow(/not in the instance any more/);
  });

  test('is taken over where the end of its node broke off, and then is not taken back', async () => {
    const { a, b } = await prepared();
    for (const name of ['data', 'other']) await a.state.claimVolume(name, ONE, 7);
    a.store.loseAnswers(1);
    await expect(a.state.endNode(ONE, 'removed', 8)).rejects.toThrow(AgreementUnavailable);
    await b.catchUp();
    expect([b.state.volumes(), b.state.volume('data'), b.copy.views.holdersGone()]).toEqual([[], undefined, [ONE]]);
    expect(await b.state.claimVolume('data', TWO, 9)).toMatchObject({ node: TWO, createdAtMs: 9 });
    // Its copy still shows both as the gone node's.
    await a.state.returnHoldings(ONE);
    await b.catchUp();
    expect([b.state.volumes().map(({ name }) => name), b.copy.views.holdersGone()]).toEqual([['data'], []]);
  });

  test('of a node that nobody admitted there is none', async () => {
    const { a } = await prepared();
    await expect(a.state.claimVolume('data', THREE, 1)).rejects.toThrow(/not in the instance/);
  });

  test.each(['', 'a', '-a', '../nodes', 'a/b', 'ä1', 'a b', 'x'.repeat(256)])('is not called %j', async (name) => {
    const { a } = await prepared();
    await expect(a.state.claimVolume(name, ONE, 1)).rejects.toThrow(RangeError);
  });

  test('may have the longest name that Docker takes', async () => {
    const { a } = await prepared();
    expect(await a.state.claimVolume('x'.repeat(255), ONE, 1)).toMatchObject({ node: ONE });
  });

  test('that a later release wrote is taken over by nobody', async () => {
    const { a } = await prepared();
    await a.store.transact({ when: [], then: [{ put: KEYS.volume('data'), value: '{"v":2}' }] });
    await expect(a.state.claimVolume('data', ONE, 1)).rejects.toThrow(/upgrade this node/);
  });

  test('lives through a recover', async () => {
    const { cluster, a } = await prepared();
    await a.state.claimVolume('data', ONE, 7);
    cluster.recover(cluster.list(PREFIX), 2);
    await a.catchUp();
    expect(a.state.volume('data')).toMatchObject({ node: ONE, createdAtMs: 7 });
    await a.state.releaseVolume('data', ONE);
    expect(a.state.volumes()).toEqual([]);
  });
});
