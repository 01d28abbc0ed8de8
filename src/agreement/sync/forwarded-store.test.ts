import { describe, expect, it } from 'vitest';
import { type AgreedVersion, NO_VERSION } from '../../core/model/index.ts';
import { testNodeId } from '../../core/model/network.test-helper.ts';
import { AgreementUnavailable } from '../port.ts';
import { PREFIX } from '../state/keys.ts';
import { MemoryCluster } from '../fake/memory-cluster.ts';
import { MemoryStore } from '../fake/memory-store.ts';
import { Copy } from '../state/copy.ts';
import { ForwardedStore, type ForwardingHost } from './forwarded-store.ts';
import { pack, unpack } from './pack.ts';
import { serveStore } from './serve-store.ts';
import type { Asked } from './port.ts';

const put = { when: [], then: [{ put: `${PREFIX}tokens/a`, value: '1' }] };

/** One member, which answers as the test says. */
function storeOf(
  answer: (timeoutMs: number, body: Buffer) => Promise<Asked>,
  nowMs = () => 0,
  version: AgreedVersion = NO_VERSION,
): ForwardedStore {
  const host: ForwardingHost = {
    self: testNodeId(1),
    members: () => [testNodeId(2)],
    version: () => version,
    onUpdate: () => {},
    ask: (_peer, _path, body, timeoutMs) => answer(timeoutMs, body),
    nowMs,
  };
  return new ForwardedStore(host);
}

describe('a member’s answer that is none', () => {
  it('may come after the write, where it failed in the midst', async () => {
    const store = storeOf(async () => ({ status: 500, body: Buffer.alloc(0) }));
    await expect(store.transact(put)).rejects.toMatchObject({ changed: 'unknown' });
  });

  it.each([400, 403, 503])('comes before anything is done: %d', async (status) => {
    const store = storeOf(async () => ({ status, body: Buffer.alloc(0) }));
    await expect(store.transact(put)).rejects.toMatchObject({ changed: 'no' });
  });
});

it('waiting for others is part of a transaction’s time, and there is a bound on who waits', async () => {
  let nowMs = 0;
  let asked = 0;
  const store = storeOf(
    async (timeoutMs) => {
      asked += 1;
      await Promise.resolve();
      nowMs += timeoutMs;
      throw new Error('no answer');
    },
    () => nowMs,
  );
  const all = Array.from({ length: 1_100 }, () =>
    store.transact(put).then(
      () => 'done',
      (error: unknown) => error,
    ),
  );
  const refusals = await Promise.all(all);
  expect(refusals.every((error) => error instanceof AgreementUnavailable)).toBe(true);
  expect(refusals.filter((error) => /too many changes wait/.test((error as Error).message))).toHaveLength(1_100 - 1_024 - 4);
  // Those that waited longer than their time ask nobody.
  expect(asked).toBeLessThan(20);
  expect(refusals.at(1_000)).toMatchObject({ changed: 'no' });
});

it('a member of an epoch that is over neither writes nor answers for who knows a newer one', async () => {
  const cluster = new MemoryCluster();
  const copy = new Copy({ store: { agreed: () => ({ version: NO_VERSION, entries: [] }), putAgreed: () => {} }, report: () => {} });
  copy.apply({ from: undefined, version: cluster.version, entries: [], removed: [] });
  const server = { store: () => new MemoryStore(cluster), copy, waitUntil: async () => true };
  const serve = (_timeoutMs: number, body: Buffer) => serveStore(testNodeId(1), body, server);
  const newer = storeOf(serve, () => 0, { epoch: cluster.version.epoch + 1, revision: 1 });
  await expect(newer.transact(put)).rejects.toMatchObject({ changed: 'no' });
  await expect(newer.get(put.then[0]!.put)).rejects.toThrow(/epoch 1, which is over/);
  expect(cluster.read(put.then[0]!.put)).toBeUndefined();

  // One that has not heard of it, and does not look at what the asker has.
  const careless = storeOf(
    async (timeoutMs, body) => {
      const request = (await unpack(body)) as object;
      return serve(timeoutMs, await pack({ ...request, have: NO_VERSION }));
    },
    () => 0,
    { epoch: 9, revision: 1 },
  );
  await expect(careless.transact(put)).rejects.toMatchObject({ changed: 'unknown' });

  const same = storeOf(serve, () => 0, cluster.version);
  expect(await same.transact(put)).toMatchObject({ committed: true });
});
