/** Keys of datagrams that change while nodes talk, as the transport sees it. */
import { afterEach, expect, test } from 'vitest';
import { echo, ping, until } from './contract.ts';
import { TestInstance } from './test-instance.ts';
import type { RealNode } from './test-instance.ts';
import { addGossipKey, onlyUsedGossipKey, useNewestGossipKey } from './trust/gossip-keys.ts';

let instance: TestInstance | undefined;
afterEach(() => instance?.stop());

async function start(): Promise<readonly [TestInstance, RealNode, RealNode]> {
  instance = await TestInstance.create();
  const [a, b] = (await instance.start(2)) as [RealNode, RealNode];
  return [instance, a, b];
}

test('a node that missed the change is told who sends what it can’t open, and reaches it over TLS all the same', async () => {
  const [{ gossipKeys }, changed, behind] = await start();
  const changedKeys = useNewestGossipKey(addGossipKey(gossipKeys));
  changed.transport.updateKeys(onlyUsedGossipKey(changedKeys));
  behind.transport.onPeerRequest(echo);
  changed.transport.onPeerRequest(echo);

  changed.transport.send(behind.id, ping(behind.id, 1));
  behind.transport.send(changed.id, ping(changed.id, 2));
  await until(() => behind.unopened.length === 1 && changed.unopened.length === 1);
  expect([behind.unopened, changed.unopened]).toEqual([[changed.id], [behind.id]]);
  expect([behind.received, changed.received]).toEqual([[], []]);
  for (const [from, to] of [
    [behind, changed],
    [changed, behind],
  ] as const) {
    const { status, body } = await from.transport.request(to.id, { method: 'POST', path: '/agreement/sync/fetch', timeoutMs: 5_000 });
    body.destroy();
    expect(status).toBe(200);
    from.transport.send(to.id, { kind: 'sync-request', buckets: [1] });
  }
  await until(() => behind.received.length === 1 && changed.received.length === 1);

  behind.transport.updateKeys(onlyUsedGossipKey(changedKeys));
  behind.transport.send(changed.id, ping(changed.id, 3));
  changed.transport.send(behind.id, ping(behind.id, 4));
  await until(() => behind.received.length === 2 && changed.received.length === 2);
  expect([behind.received[1]?.message, changed.received[1]?.message]).toEqual([ping(behind.id, 4), ping(changed.id, 3)]);
});
