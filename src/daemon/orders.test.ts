import { describe, expect, it } from 'vitest';
import { NetworkRefused } from '../api/network-service.ts';
import { type Container, containerId, nodeId, type Order, type OrderAnswer, type OrderId, requestId, taskId } from '../core/model/index.ts';
import { FakeEngine } from '../engine/fake/fake-engine.ts';
import { EngineError } from '../engine/port.ts';
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
    settleVolumes: async () => undefined,
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

describe('of a container that runs', () => {
  async function running(spec: object = {}) {
    const text = textWith(spec);
    const { context, engine } = hostOf(text);
    const claimed: string[] = [];
    let unsettled = 0;
    const whole: OrderContext = {
      ...context,
      claimVolumes: async (id) => {
        claimed.push(id);
        unsettled++;
      },
      settleVolumes: async () => void unsettled--,
    };
    const perform = (order: Record<string, unknown>): Promise<OrderAnswer> =>
      Promise.resolve(performOrder(whole, { id: 3 as OrderId, containerId: ID, ...order } as Order));
    expect(await perform({ kind: 'engine-create', spec: text })).toEqual({ ok: true });
    expect(await perform({ kind: 'engine-start', taskId: taskId(ID, 1) })).toMatchObject({ ok: true });
    return { engine, perform, claimed, unsettled };
  }

  it('claims its volumes before it is made', async () => {
    const { claimed, unsettled } = await running();
    // A claim that is not settled would keep the names of its volumes for as long as the daemon runs.
    expect([claimed, unsettled]).toEqual([[ID, ID], 0]);
    const { context, engine } = hostOf(textWith({}));
    const error = new EngineError('engine-failed', 'volume data is on node node-2');
    const claimVolumes = () => Promise.reject(error);
    expect(
      await performOrder({ ...context, claimVolumes }, { id: 1 as OrderId, kind: 'engine-create', containerId: ID, spec: textWith({}) }),
    ).toEqual({
      ok: false,
      error: { code: 'engine-failed', message: error.message, changed: false },
    });
    expect(await engine.recover(() => true)).toEqual([]);
    // Somebody else's by the time it has it.
    let claims = 0;
    let settles = 0;
    const secondFails = () => (claims++ === 0 ? Promise.resolve() : Promise.reject(error));
    const settleVolumes = async () => void settles++;
    const order: Order = { id: 1 as OrderId, kind: 'engine-create', containerId: ID, spec: textWith({}) };
    expect(await performOrder({ ...context, claimVolumes: secondFails, settleVolumes }, order)).toMatchObject({ ok: false });
    expect(settles).toBe(1);
    expect(await engine.recover(() => true)).toEqual([]);
  });

  it('pauses and unpauses it', async () => {
    const { engine, perform } = await running();
    expect(await perform({ kind: 'engine-pause' })).toEqual({ ok: true });
    expect(await engine.recover(() => true)).toMatchObject([{ state: 'running', paused: true }]);
    expect(await perform({ kind: 'engine-unpause' })).toEqual({ ok: true });
    expect(await engine.recover(() => true)).toMatchObject([{ state: 'running', paused: false }]);
  });

  it('gives it other limits, none beyond what is held for it', async () => {
    const { engine, perform } = await running();
    const seen: unknown[] = [];
    engine.update = async (_id, limits) => void seen.push(limits);
    const limits = { nanoCpus: 2e9, memoryBytes: RESOURCES.memoryBytes * 2, pidsLimit: 7, extras: { cpuShares: 512, privileged: true } };
    const resources = { cpuMillicores: 2_000, memoryBytes: RESOURCES.memoryBytes * 2 };
    expect(await perform({ kind: 'engine-update', spec: textWith(limits), resources })).toEqual({ ok: true });
    expect(seen).toEqual([{ nanoCpus: 2e9, memoryBytes: RESOURCES.memoryBytes * 2, pidsLimit: 7, cpuShares: 512 }]);
    expect(await perform({ kind: 'engine-update', spec: textWith(limits), resources: RESOURCES })).toMatchObject({ ok: false });
    expect(await perform({ kind: 'engine-update', spec: 'not json', resources })).toMatchObject({ ok: false });
    expect(seen).toHaveLength(1);
  });

  it.each([true, false])('removes it, with its volumes: %s', async (volumes) => {
    const mount = { kind: 'volume', name: 'a'.repeat(64), anonymous: true, target: '/data', readOnly: false, noCopy: false, labels: {} };
    const { engine, perform } = await running({ mounts: [mount] });
    expect(await engine.volumes.list()).toHaveLength(1);
    expect(await perform({ kind: 'engine-remove', volumes })).toEqual({ ok: true });
    expect(await engine.volumes.list()).toHaveLength(volumes ? 0 : 1);
  });
});
