import { expect, it } from 'vitest';
import { storeContract, Watched } from '../contract.test-suite.ts';
import { AgreementUnavailable } from '../port.ts';
import { MemoryCluster } from './memory-cluster.ts';
import { MemoryStore } from './memory-store.ts';

storeContract('in memory', () => {
  const cluster = new MemoryCluster();
  return Promise.resolve({
    stores: [new MemoryStore(cluster), new MemoryStore(cluster)],
    compact: () => Promise.resolve(cluster.compact()),
    close: () => Promise.resolve(),
  });
});

const put = (key: string, value: string) => ({ when: [], then: [{ put: key, value }] });

it('a view that is cut off fails having changed nothing, and its watches go on when it heals', async () => {
  const cluster = new MemoryCluster();
  const [here, there] = [new MemoryStore(cluster), new MemoryStore(cluster)];
  const watched = new Watched();
  here.watch('', 1, watched, watched.signal);
  here.cut();
  await there.transact(put('a', '1'));
  const refusal = await here.transact(put('b', '1')).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(AgreementUnavailable);
  expect((refusal as AgreementUnavailable).changed).toBe('no');
  await expect(here.range('')).rejects.toThrow(/no majority/);
  expect(watched.calls).toHaveLength(0);
  here.heal();
  await watched.until(1);
  expect(watched.calls).toEqual([[{ key: 'a', entry: { key: 'a', value: '1', modRevision: 2, createRevision: 2 } }]]);
  expect(cluster.read('b')).toBeUndefined();
});

it('a lost answer is said to be unknown, and the write is there', async () => {
  const cluster = new MemoryCluster();
  const store = new MemoryStore(cluster);
  store.loseAnswers(1);
  await expect(store.transact(put('a', '1'))).rejects.toMatchObject({ changed: 'unknown' });
  expect((await store.get('a')).value?.value).toBe('1');
});

it('a recovered cluster has another epoch, and its watches are lost', async () => {
  const cluster = new MemoryCluster();
  const store = new MemoryStore(cluster);
  await store.transact(put('old', '1'));
  const watched = new Watched();
  store.watch('', 1, watched, watched.signal);
  await watched.until(1);
  cluster.recover([{ key: 'kept', value: 'k' }], 5);
  await watched.untilLost();
  const { value, version } = await store.range('');
  expect(value.map(({ key }) => key)).toEqual(['kept']);
  expect(version).toEqual({ epoch: 5, revision: 2 });
});
