import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'vitest';
import { until } from '../../../test/lab/shell.ts';
import { EtcdStore } from './etcd-store.ts';
import { type Fields, Gateway } from './gateway.ts';

/** A member's gateway that leads, and answers transactions as the test says. */
async function storeBefore(
  { onTestFinished }: TestContext,
  txn: () => { readonly status: number; readonly answer: Fields },
): Promise<{ readonly store: EtcdStore; readonly asked: string[] }> {
  const dir = mkdtempSync(join(tmpdir(), 'gateway-'));
  const asked: string[] = [];
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      asked.push(request.url!);
      const { status, answer } =
        request.url === '/v3/kv/txn' ? txn() : { status: 200, answer: { header: { member_id: '1' }, leader: '1' } };
      response.writeHead(status).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(join(dir, 's'), resolve));
  const gateway = new Gateway(join(dir, 's'));
  onTestFinished(() => {
    gateway.close();
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return { store: new EtcdStore({ gateway, client: 'tester', epoch: 1, nowMs: () => performance.now() }), asked };
}

const put = { when: [], then: [{ put: 'a', value: '1' }] };
const refusal = (error: string) => () => ({ status: 500, answer: { error } });

it.concurrent('a transaction that filled the database may be there, whatever the member says of it', async (context) => {
  const { expect } = context;
  const { store } = await storeBefore(context, refusal('etcdserver: mvcc: database space exceeded'));
  await expect(store.transact(put)).rejects.toMatchObject({ name: 'AgreementUnavailable', changed: 'unknown' });
});

it.concurrent('one that was refused before it was proposed is not', async (context) => {
  const { expect } = context;
  const { store } = await storeBefore(context, refusal('etcdserver: too many requests'));
  await expect(store.transact(put)).rejects.toMatchObject({ name: 'AgreementUnavailable', changed: 'no' });
});

it.concurrent('nothing of a store that is closed comes to the cluster that is at its socket next', async (context) => {
  const { expect } = context;
  const { store, asked } = await storeBefore(context, refusal('etcdserver: too many requests'));
  const underWay = store.transact(put).catch((error: unknown) => error);
  await until('it to be tried', async () => asked.includes('/v3/kv/txn'));
  store.close();
  expect(await underWay).toMatchObject({ name: 'AgreementUnavailable', changed: 'no' });
  asked.length = 0;
  await expect(store.transact(put)).rejects.toMatchObject({ changed: 'no' });
  await expect(store.get('a')).rejects.toMatchObject({ name: 'AgreementUnavailable' });
  await expect(store.range('')).rejects.toMatchObject({ name: 'AgreementUnavailable' });
  expect(asked).toEqual([]);
});
