import { assertNever } from '../../lib/assert.ts';
import type {
  Container,
  ContainerId,
  CoreError,
  MemberRecord,
  Observation,
  Order,
  OrderAnswer,
  TaskId,
  Tombstone,
} from '../model/index.ts';
import type { Kept } from './port.ts';

const OK: OrderAnswer = { ok: true };
const refusal = (code: CoreError['code'], message: string): OrderAnswer => ({ ok: false, error: { code, message, changed: false } });

/** A host for tests of the core: a store and an engine in memory, which survive their node's restart and fail on demand. */
export class TestHost {
  readonly containers = new Map<ContainerId, Container>();
  readonly tombstones = new Map<ContainerId, Tombstone>();
  readonly running = new Map<
    ContainerId,
    { readonly taskId: TaskId; readonly pid: number; readonly startedAtMs: number; readonly paused: boolean }
  >();
  readonly made = new Set<ContainerId>();
  readonly exits: Observation[] = [];
  readonly starts: TaskId[] = [];
  incarnation = 0;
  members: readonly MemberRecord[] = [];
  storeFails = false;
  createFails: string | undefined;
  startFails: string | undefined;
  pauseFails: string | undefined;
  updateFails: string | undefined;
  /** What the engine was told of each container last: at its creation, or by an update. */
  readonly specs = new Map<ContainerId, string>();
  /** Removed with their volumes. */
  readonly withVolumes = new Set<ContainerId>();
  /** Containers that it can't make. */
  readonly failsFor = new Set<ContainerId>();
  createMs = 20;
  /** A container that ignores its stop signal until it is killed. */
  stubborn = false;
  #pid = 100;

  kept(): Kept {
    return {
      incarnation: this.incarnation,
      members: this.members,
      containers: [...this.containers.values()],
      tombstones: [...this.tombstones.values()],
      running: Array.from(this.running, ([containerId, run]) => ({ containerId, ...run })),
      exited: this.exits.splice(0),
    };
  }

  /** How long an order takes, in ms. */
  delayOf(order: Order): number {
    return order.kind === 'engine-create' ? this.createMs : 1;
  }

  /** Performs it. `observe` is told of tasks that end by it. */
  perform(order: Order, wallMs: number, observe: (seen: Observation) => void): OrderAnswer {
    switch (order.kind) {
      case 'store-container':
        if (this.storeFails) return refusal('store-failed', 'disk full');
        this.containers.set(order.container.request.containerId, order.container);
        return OK;
      case 'forget-container':
        if (this.storeFails) return refusal('store-failed', 'disk full');
        this.containers.delete(order.containerId);
        this.tombstones.set(order.containerId, { containerId: order.containerId, removedAtMs: order.removedAtMs });
        return OK;
      case 'store-incarnation':
        this.incarnation = order.incarnation;
        return OK;
      case 'engine-create':
        if (this.createFails !== undefined) return refusal('engine-failed', this.createFails);
        if (this.failsFor.has(order.containerId)) return refusal('engine-failed', 'it is not for this host');
        this.made.add(order.containerId);
        this.specs.set(order.containerId, order.spec);
        return OK;
      case 'engine-start': {
        if (this.startFails !== undefined) return refusal('engine-failed', this.startFails);
        if (!this.made.has(order.containerId)) return refusal('no-such-container', 'was never made');
        if (this.running.has(order.containerId)) return refusal('wrong-state', 'runs already');
        const run = { taskId: order.taskId, pid: this.#pid++, startedAtMs: wallMs, paused: false };
        this.running.set(order.containerId, run);
        this.starts.push(order.taskId);
        return { ok: true, pid: run.pid, startedAtMs: run.startedAtMs };
      }
      case 'engine-pause':
      case 'engine-unpause':
        return this.#pause(order.containerId, order.kind === 'engine-pause');
      case 'engine-update':
        if (this.updateFails !== undefined) return refusal('engine-failed', this.updateFails);
        this.specs.set(order.containerId, order.spec);
        return OK;
      case 'engine-stop':
        if (!this.stubborn) this.exit(order.containerId, 143, wallMs, observe);
        return OK;
      case 'engine-kill':
        if (order.signal === 'KILL') this.exit(order.containerId, 137, wallMs, observe);
        return OK;
      case 'engine-remove':
        this.exit(order.containerId, 137, wallMs, observe);
        this.made.delete(order.containerId);
        if (order.volumes) this.withVolumes.add(order.containerId);
        return OK;
      default:
        return assertNever(order);
    }
  }

  #pause(id: ContainerId, paused: boolean): OrderAnswer {
    if (this.pauseFails !== undefined) return refusal('engine-failed', this.pauseFails);
    const run = this.running.get(id);
    if (run === undefined) return refusal('wrong-state', 'it does not run');
    this.running.set(id, { ...run, paused });
    return OK;
  }

  exit(containerId: ContainerId, exitCode: number, wallMs: number, observe: (seen: Observation) => void): void {
    const run = this.running.get(containerId);
    if (run === undefined) return;
    this.running.delete(containerId);
    observe({ kind: 'exited', containerId, taskId: run.taskId, exitCode, oomKilled: false, finishedAtMs: wallMs });
  }
}
