import { describe, expect, it } from 'vitest';
import { NO_VERSION } from '../../core/model/index.ts';
import { testNodeId } from '../../core/model/network.test-helper.ts';
import { AgreementUnavailable } from '../port.ts';
import { PREFIX } from '../state/keys.ts';
import { ForwardedStore, type ForwardingHost } from './forwarded-store.ts';
import type { Asked } from './port.ts';

const put = { when: [], then: [{ put: `${PREFIX}tokens/a`, value: '1' }] };

/** One member, which answers as the test says. */
function storeOf(answer: (timeoutMs: number) => Promise<Asked>, nowMs = () => 0): ForwardedStore {
  const host: ForwardingHost = {
    self: testNodeId(1),
    members: () => [testNodeId(2)],
    version: () => NO_VERSION,
    onUpdate: () => {},
    ask: (_peer, _path, _body, timeoutMs) => answer(timeoutMs),
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
