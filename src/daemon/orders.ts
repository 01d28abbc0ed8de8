import type { Container, ContainerId, CoreError, Order, OrderAnswer } from '../core/model/index.ts';
import {
  type BlobSource,
  type ContainerLimits,
  type ContainerSpec,
  type Engine,
  EngineError,
  ImageError,
  type SpecExtras,
} from '../engine/port.ts';
import { assertNever } from '../lib/assert.ts';
import type { Store } from '../store/port.ts';
import { NetworkRefused } from '../api/network-service.ts';
import { readSpec } from './container-spec.ts';
import type { Log } from './log.ts';
import type { Networking } from './networking/networking.ts';
import { type RecordWriter, written } from './record-writer.ts';

export interface OrderContext {
  readonly log: Log;
  readonly store: Store;
  readonly records: RecordWriter;
  readonly engine: Engine;
  readonly networking: Pick<Networking, 'place' | 'release' | 'forget'>;
  container(id: ContainerId): Container | undefined;
  /** Where the container's image can be had, best first. */
  sourcesFor(id: ContainerId, spec: ContainerSpec): readonly BlobSource[];
  /**
   * Makes the named volumes of a spec this node's: before a container of it is made, and once it has them. Asks nobody
   * where they are.
   * @throws Error in words where one is another node's; AgreementUnavailable
   */
  claimVolumes(id: ContainerId, spec: ContainerSpec): Promise<void>;
  /** Said once after each claim that succeeded, however the making went: what was not made is free again. Never rejects. */
  settleVolumes(spec: ContainerSpec): Promise<void>;
}

/** Performs the core's orders on the host. What is to be stored is durable when it is answered. Never rejects. */
export function performOrder(context: OrderContext, order: Order): OrderAnswer | Promise<OrderAnswer> {
  const began = performance.now();
  const timed = (answer: OrderAnswer): OrderAnswer => {
    const tookMs = Math.round((performance.now() - began) * 10) / 10;
    context.log('debug', 'order done', { order: order.kind, container: containerOf(order), ok: answer.ok, tookMs });
    return answer;
  };
  const answer = perform(context, order);
  return answer instanceof Promise ? answer.then(timed) : timed(answer);
}

function containerOf(order: Order): ContainerId | undefined {
  if (order.kind === 'store-container') return order.container.request.containerId;
  return order.kind === 'store-incarnation' ? undefined : order.containerId;
}

function perform(context: OrderContext, order: Order): OrderAnswer | Promise<OrderAnswer> {
  switch (order.kind) {
    case 'store-container':
      return context.records.put(order.container);
    case 'forget-container':
      return context.records.forget(order.containerId, order.removedAtMs);
    case 'store-incarnation':
      return written(() => context.store.putIncarnation(order.incarnation));
    case 'engine-create':
      return engineDid(() => create(context, order));
    case 'engine-start':
      return engineDid(() => start(context, order));
    case 'engine-stop':
      return engineDid(() => context.engine.stop(order.containerId, order.signal, order.timeoutMs));
    case 'engine-kill':
      return engineDid(() => context.engine.kill(order.containerId, order.signal));
    case 'engine-pause':
      return engineDid(() => context.engine.pause(order.containerId));
    case 'engine-unpause':
      return engineDid(() => context.engine.unpause(order.containerId));
    case 'engine-update':
      return engineDid(() => update(context, order));
    case 'engine-remove':
      return engineDid(async () => {
        const container = context.container(order.containerId);
        await context.engine.remove(order.containerId, { volumes: order.volumes });
        await context.networking.forget(container, order.containerId);
      });
    default:
      return assertNever(order);
  }
}

async function create(context: OrderContext, { containerId, spec: text }: Order & { kind: 'engine-create' }): Promise<void> {
  const container = context.container(containerId);
  if (container === undefined) throw new EngineError('no-such-container', `container ${containerId} is not on this node`);
  const spec = readSpec(text, container.request.resources);
  await context.claimVolumes(containerId, spec);
  try {
    await context.engine.create(containerId, spec, context.sourcesFor(containerId, spec));
    try {
      // Before the container had them one may have been removed, and its name given back.
      await context.claimVolumes(containerId, spec);
      await context.settleVolumes(spec);
    } catch (error) {
      await context.engine.remove(containerId, { volumes: true });
      throw error;
    }
  } finally {
    await context.settleVolumes(spec);
  }
}

/** What may change of a spec are its limits. */
async function update(context: OrderContext, { containerId, spec: text, resources }: Order & { kind: 'engine-update' }): Promise<void> {
  const { nanoCpus, memoryBytes, pidsLimit, extras } = readSpec(text, resources);
  await context.engine.update(containerId, { nanoCpus, memoryBytes, pidsLimit, ...limitsAmong(extras) });
}

async function start(context: OrderContext, order: Order & { kind: 'engine-start' }): Promise<Partial<OrderAnswer>> {
  const container = context.container(order.containerId);
  if (container === undefined) throw new EngineError('no-such-container', `container ${order.containerId} is not on this node`);
  const place = await context.networking.place(container);
  try {
    return await context.engine.start(order.containerId, order.taskId, place);
  } catch (error) {
    await context.networking.release(order.containerId).catch((left: unknown) => {
      context.log('warn', 'the network of a container that did not start could not be taken away', {
        container: order.containerId,
        error: String(left),
      });
    });
    throw error;
  }
}

function limitsAmong(extras: SpecExtras | undefined): ContainerLimits {
  const { memorySwapBytes, memoryReservationBytes, cpuShares, cpuQuota, cpuPeriod, cpusetCpus, cpusetMems } = extras ?? {};
  const limits = { memorySwapBytes, memoryReservationBytes, cpuShares, cpuQuota, cpuPeriod, cpusetCpus, cpusetMems };
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined));
}

async function engineDid(work: () => Promise<object | void>): Promise<OrderAnswer> {
  try {
    return { ok: true, ...(await work()) };
  } catch (error) {
    return { ok: false, error: coreError(error) };
  }
}

function coreError(error: unknown): CoreError {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof EngineError) {
    return { code: error.code, message, changed: false };
  }
  if (error instanceof NetworkRefused) return { code: networkCode(error), message, changed: false };
  if (error instanceof ImageError) return { code: error.code === 'not-found' ? 'image-missing' : 'engine-failed', message, changed: false };
  return { code: 'engine-failed', message, changed: false };
}

function networkCode({ code, message }: NetworkRefused): CoreError['code'] {
  if (code === 'no-agreement') return 'no-agreement';
  return code === 'conflict' && message.includes('port is already allocated') ? 'port-taken' : 'network-failed';
}
