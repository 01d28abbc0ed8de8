import { expect, test, vi } from 'vitest';
import { type Container, containerId } from '../core/model/index.ts';
import { MemoryStore } from '../store/fake/memory-store.ts';
import { RecordWriter } from './record-writer.ts';

const container = (n: number, change: object = {}): Container =>
  ({ request: { containerId: containerId(n.toString(16).padStart(64, '0')), name: `c${n}` }, createdAtMs: n, ...change }) as Container;
const id = (n: number) => container(n).request.containerId;

test('what is asked for in one round is written together, in order, and answered', async () => {
  const store = new MemoryStore();
  const transaction = vi.spyOn(store, 'transaction');
  const writer = new RecordWriter(store);
  const answers = [
    writer.put(container(1)),
    writer.put(container(2)),
    writer.forget(id(1), 5),
    writer.put(container(2, { taskNumber: 7 })),
  ];
  expect(store.containers()).toEqual([]);
  expect(await Promise.all(answers)).toEqual(answers.map(() => ({ ok: true })));
  expect(transaction).toHaveBeenCalledTimes(1);
  expect(store.containers()).toEqual([container(2, { taskNumber: 7 })]);
  await writer.put(container(3));
  expect(transaction).toHaveBeenCalledTimes(1);
  expect(store.containers()).toHaveLength(2);
});

test('a write that the disk refuses takes no other of its group along', async () => {
  const store = new MemoryStore();
  const put = store.putContainer.bind(store);
  vi.spyOn(store, 'putContainer').mockImplementation((record) => {
    if (record.request.name === 'c2') throw new Error('database or disk is full');
    put(record);
  });
  const writer = new RecordWriter(store);
  const answers = await Promise.all([writer.put(container(1)), writer.put(container(2)), writer.put(container(3))]);
  expect(answers.map((answer) => (answer.ok ? 'ok' : answer.error.code))).toEqual(['ok', 'store-failed', 'ok']);
  expect(store.containers().map((each) => each.request.name)).toEqual(['c1', 'c3']);
});

test('a flush writes what waits at once', async () => {
  const store = new MemoryStore();
  const writer = new RecordWriter(store);
  const answers = [writer.put(container(1)), writer.put(container(2))];
  writer.flush();
  expect(store.containers()).toHaveLength(2);
  expect(await Promise.all(answers)).toEqual([{ ok: true }, { ok: true }]);
});
