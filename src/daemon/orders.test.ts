import { describe, expect, it } from 'vitest';
import { NetworkRefused } from '../api/network-service.ts';
import { type Container, containerId, nodeId, type Order, type OrderAnswer, type OrderId, requestId, taskId } from '../core/model/index.ts';
import { FakeEngine } from '../engine/fake/fake-engine.ts';
import { containerSpec } from '../engine/spec.test-suite.ts';
import { MemoryStore } from '../store/fake/memory-store.ts';
import { type OrderContext, performOrder } from './orders.ts';
import { RecordWriter } from './record-writer.ts';

const ID = containerId('a'.repeat(64));
const RESOURCES = { cpuMillicores: 1_000, memoryBytes: 64 * 1024 * 1024 };

const NETWORKING: OrderContext['networking'] = {
  place: async () => ({ netnsPath: '/run/netns/a', resolvConf: '', hosts: '' }),
  release: async () => undefined,
  forget: async () => undefined,
};

/** Performs one engine-create with this text for a spec. */
async function create(spec: string): Promise<OrderAnswer> {
  const { context } = hostOf(spec);
  const order: Order = { id: 1 as OrderId, kind: 'engine-create', containerId: ID, spec };
  return performOrder(context, order);
}

function hostOf(spec: string, networking: Partial<OrderContext['networking']> = {}) {
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
      hostPorts: [],
      vnis: [],
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
  const engine = new FakeEngine();
  const context: OrderContext = {
    log: () => undefined,
    store,
    records: new RecordWriter(store),
    engine,
    networking: { ...NETWORKING, ...networking },
    container: () => container,
    sourcesFor: () => [],
    claimVolumes: async () => undefined,
  };
  return { context, engine };
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

describe('engine-start', () => {
  const order: Order = { id: 2 as OrderId, kind: 'engine-start', containerId: ID, taskId: taskId(ID, 1) };

  it.each([
    [new NetworkRefused('conflict', 'port is already allocated on this node: 0.0.0.0:80/tcp'), 'port-taken'],
    [new NetworkRefused('no-agreement', 'no majority'), 'no-agreement'],
    [new NetworkRefused('not-found', 'network back not found'), 'network-failed'],
    [new Error('no such device'), 'engine-failed'],
  ])('says that the network failed: %s', async (error, code) => {
    const { context } = hostOf(textWith({}), {
      place: async () => {
        throw error;
      },
    });
    expect(await performOrder(context, order)).toEqual({ ok: false, error: { code, message: error.message, changed: false } });
  });

  it('says why the engine could not start where the network cannot be taken back either', async () => {
    const { context } = hostOf(textWith({}), { release: () => Promise.reject(new Error('device busy')) });
    expect(await performOrder(context, order)).toMatchObject({ ok: false, error: { code: 'no-such-container' } });
  });

  it('takes the network back where the engine cannot start', async () => {
    const released: string[] = [];
    const { context } = hostOf(textWith({}), {
      release: async (id) => {
        released.push(id);
      },
    });
    // It was never created.
    expect(await performOrder(context, order)).toMatchObject({ ok: false, error: { code: 'no-such-container' } });
    expect(released).toEqual([ID]);
  });
});
