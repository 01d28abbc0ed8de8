import { describe, expect, it } from 'vitest';
import { type Container, containerId, nodeId, type Order, type OrderAnswer, type OrderId, requestId } from '../core/model/index.ts';
import { FakeEngine } from '../engine/fake/fake-engine.ts';
import { containerSpec } from '../engine/spec.test-suite.ts';
import { FakeNetwork } from '../network/fake/fake.ts';
import { MemoryStore } from '../store/fake/memory-store.ts';
import { performOrder } from './orders.ts';
import { RecordWriter } from './record-writer.ts';

const ID = containerId('a'.repeat(64));
const RESOURCES = { cpuMillicores: 1_000, memoryBytes: 64 * 1024 * 1024 };

/** Performs one engine-create with this text for a spec. */
async function create(spec: string): Promise<OrderAnswer> {
  const container: Container = {
    request: {
      id: requestId('b'.repeat(32)),
      containerId: ID,
      name: 'web',
      resources: RESOURCES,
      class: 'low',
      arches: [],
      constraints: [],
      affinities: [],
      labels: {},
      image: '',
      policy: 'binpack',
      restart: { name: 'no', maximumRetries: 0 },
      autoRemove: false,
      stopSignal: '',
      stopTimeoutMs: 10_000,
      spec,
    },
    name: 'web',
    buyer: nodeId('c'.repeat(32)),
    createdAtMs: 0,
    readiness: 'preparing',
    desired: 'created',
    restartCount: 0,
    task: undefined,
    taskNumber: 0,
    holding: true,
    placement: '',
  };
  const store = new MemoryStore();
  const context = {
    log: () => undefined,
    store,
    records: new RecordWriter(store),
    engine: new FakeEngine(),
    network: new FakeNetwork(),
    container: () => container,
    sourcesFor: () => [],
  };
  const order: Order = { id: 1 as OrderId, kind: 'engine-create', containerId: ID, spec };
  return performOrder(context, order);
}

const textWith = (change: object): string => JSON.stringify({ ...containerSpec(), ...change });

describe('engine-create', () => {
  it('makes a container of a good spec', async () => {
    expect(await create(textWith({}))).toEqual({ ok: true });
  });

  it.each([
    ['no JSON', 'not json'],
    ['null', 'null'],
    ['a list', '[]'],
    ['nothing in it', '{}'],
    ['an image without digest', textWith({ image: { reference: 'busybox' } })],
    ['an environment that is a text', textWith({ env: 'A=b' })],
    ['a label that is a number', textWith({ labels: { a: 1 } })],
    ['another network', textWith({ networkMode: '../host' })],
  ])('answers a spec from another node with %s, and does not throw', async (_, text) => {
    const answer = await create(text);
    expect(answer).toMatchObject({ ok: false, error: { code: 'engine-failed', changed: false } });
  });

  it('refuses limits beyond what was admitted', async () => {
    expect(await create(textWith({ nanoCpus: 1e9, memoryBytes: RESOURCES.memoryBytes }))).toEqual({ ok: true });
    expect(await create(textWith({ nanoCpus: 1e9 + 1 }))).toMatchObject({ ok: false });
    expect(await create(textWith({ memoryBytes: RESOURCES.memoryBytes + 1 }))).toMatchObject({ ok: false });
  });
});
