import type { ContainerId, CoreError, Observation, Order, OrderAnswer, Resources, TaskId } from '../../core/model/index.ts';
import { assertNever } from '../../lib/assert.ts';
import type { Prng } from '../../lib/prng.ts';
import type { Schedule } from '../schedule.ts';

export type EngineOrder = Extract<Order, { kind: `engine-${string}` }>;

interface Running {
  readonly taskId: TaskId;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly paused: boolean;
}

interface EngineContainer {
  readonly id: ContainerId;
  running: Running | undefined;
  /** As told at its creation, or by the last update; `limits`: by an update only. */
  spec: string;
  limits: Resources | undefined;
  /** With which code it would have ended meanwhile, were it not paused. */
  overdue: number | undefined;
  /** The last task's end, kept until the next start as the built-in engine keeps its exit file. */
  exited: Observation | undefined;
}

interface Pending {
  readonly order: EngineOrder;
}

/** How this engine behaves; probabilities are per order. */
export interface EngineTemper {
  createFails: number;
  startFails: number;
  /** Pauses and updates. */
  changeFails: number;
  /** Share of creates that fetch an image first. */
  slowCreates: number;
  /** Share of tasks that end by themselves within `lifetimeMs`. */
  mortal: number;
  lifetimeMs: number;
}

export const EVEN_TEMPER: EngineTemper = {
  createFails: 0.02,
  startFails: 0.02,
  changeFails: 0.05,
  slowCreates: 0.2,
  mortal: 0.5,
  lifetimeMs: 20_000,
};

/** Does what it is told. */
export const NO_TEMPER: EngineTemper = { createFails: 0, startFails: 0, changeFails: 0, slowCreates: 0, mortal: 0, lifetimeMs: 0 };

/**
 * A host's containers: they live on while the daemon is down, and end with the host. Orders take
 * time, may fail, and are safe to repeat, as engine/port's.
 */
export class SimEngine {
  temper: EngineTemper = { ...EVEN_TEMPER };
  readonly #containers = new Map<ContainerId, EngineContainer>();
  readonly #underWay = new Set<Pending>();
  readonly #schedule: Schedule;
  readonly #random: Prng;
  readonly #wallMs: () => number;
  readonly #onExit: (exit: Observation) => void;
  #nextPid = 100;

  /** @param onExit called at each end of a task, also while the daemon is down */
  constructor(schedule: Schedule, random: Prng, wallMs: () => number, onExit: (exit: Observation) => void) {
    this.#schedule = schedule;
    this.#random = random;
    this.#wallMs = wallMs;
    this.#onExit = onExit;
  }

  ids(): IterableIterator<ContainerId> {
    return this.#containers.keys();
  }

  has(id: ContainerId): boolean {
    return this.#containers.has(id);
  }

  runningTask(id: ContainerId): TaskId | undefined {
    return this.#containers.get(id)?.running?.taskId;
  }

  isPaused(id: ContainerId): boolean {
    return this.#containers.get(id)?.running?.paused === true;
  }

  /** As told at its creation, or by the last update. */
  specOf(id: ContainerId): string | undefined {
    return this.#containers.get(id)?.spec;
  }

  /** What it may use since an update; undefined: there was none. */
  limitsOf(id: ContainerId): Resources | undefined {
    return this.#containers.get(id)?.limits;
  }

  running(): readonly (Running & { readonly containerId: ContainerId })[] {
    return [...this.#containers].flatMap(([containerId, c]) => (c.running === undefined ? [] : [{ containerId, ...c.running }]));
  }

  exited(): readonly Observation[] {
    return [...this.#containers.values()].flatMap((c) => (c.exited === undefined ? [] : [c.exited]));
  }

  /** Removes what no known container owns, as `recover` does at the daemon's start. */
  recover(known: (id: ContainerId) => boolean): void {
    for (const id of this.ids()) if (!known(id)) this.#containers.delete(id);
  }

  /** How often the host went down. */
  reboots = 0;

  /** The host went down: no task runs any more, and whether their ends were written is chance. */
  reboot(): void {
    this.reboots++;
    for (const [id, container] of this.#containers) {
      if (container.running === undefined) continue;
      if (this.#random.chance(0.5)) container.exited = this.#exitOf(id, container.running.taskId, 255);
      container.running = undefined;
    }
  }

  /** Takes its time; `done` is called once, with the answer, unless the daemon dies first. */
  perform(order: EngineOrder, done: (answer: OrderAnswer) => void): void {
    const pending: Pending = { order };
    this.#underWay.add(pending);
    this.#schedule.after(this.#durationMs(order), () => {
      if (this.#underWay.delete(pending)) done(this.#act(order));
    });
  }

  /** The daemon died: what it was doing is done, or is not and leaves nothing half-made (`recover` sees to that). */
  abandon(): void {
    const pending = [...this.#underWay];
    this.#underWay.clear();
    for (const { order } of pending) if (this.#random.chance(0.5)) this.#act(order);
  }

  #durationMs(order: EngineOrder): number {
    if (order.kind === 'engine-create') {
      return this.#random.chance(this.temper.slowCreates) ? 500 + this.#random.float() * 5_000 : 10 + this.#random.float() * 100;
    }
    if (order.kind === 'engine-start') return 10 + this.#random.float() * 60;
    return 1 + this.#random.float() * 20;
  }

  #act(order: EngineOrder): OrderAnswer {
    const id = order.containerId;
    const container = this.#containers.get(id);
    switch (order.kind) {
      case 'engine-create':
        if (container === undefined && this.#random.chance(this.temper.createFails))
          return failed('engine-failed', `the engine could not unpack the image of ${id}`);
        if (container === undefined) {
          this.#containers.set(id, { id, running: undefined, exited: undefined, spec: order.spec, limits: undefined, overdue: undefined });
        }
        return { ok: true };
      case 'engine-start':
        return this.#start(id, order.taskId);
      case 'engine-stop':
        if (container !== undefined) this.#pause(container, false);
        this.#endLater(id, this.#random.chance(0.8) ? this.#random.float() * Math.min(order.timeoutMs, 500) : order.timeoutMs, 143);
        return { ok: true };
      case 'engine-kill':
        if (container?.running === undefined) return failed('wrong-state', `container ${id} is not running`);
        if (/KILL|^9$/.test(order.signal)) {
          this.#pause(container, false);
          this.#endLater(id, 2, 137);
        }
        return { ok: true };
      case 'engine-pause':
      case 'engine-unpause':
        if (container?.running === undefined) return failed('wrong-state', `container ${id} is not running`);
        if (this.#random.chance(this.temper.changeFails)) return failed('engine-failed', `the runtime could not freeze ${id}`);
        this.#pause(container, order.kind === 'engine-pause');
        return { ok: true };
      case 'engine-update':
        if (container === undefined) return failed('no-such-container', `the engine has no container ${id}`);
        if (this.#random.chance(this.temper.changeFails)) return failed('engine-failed', `${id} uses more memory than that`);
        container.spec = order.spec;
        container.limits = order.resources;
        return { ok: true };
      case 'engine-remove':
        if (container?.running !== undefined) this.#end(id, container, container.running.taskId, 137);
        this.#containers.delete(id);
        return { ok: true };
      default:
        return assertNever(order);
    }
  }

  #start(id: ContainerId, taskId: TaskId): OrderAnswer {
    const container = this.#containers.get(id);
    if (container === undefined) return failed('no-such-container', `the engine has no container ${id}`);
    const { running } = container;
    if (running !== undefined) {
      return running.taskId === taskId ? { ok: true, ...running } : failed('wrong-state', `container ${id} runs ${running.taskId} already`);
    }
    if (this.#random.chance(this.temper.startFails)) return failed('engine-failed', `the runtime refused ${taskId}: exec format error`);
    container.exited = undefined;
    container.overdue = undefined;
    container.running = { taskId, pid: this.#nextPid++, startedAtMs: this.#wallMs(), paused: false };
    if (this.#random.chance(this.temper.mortal)) {
      this.#endLater(id, this.#random.float() * this.temper.lifetimeMs, this.#random.chance(0.5) ? 0 : 1);
    }
    return { ok: true, pid: container.running.pid, startedAtMs: container.running.startedAtMs };
  }

  #endLater(id: ContainerId, afterMs: number, exitCode: number): void {
    const taskId = this.runningTask(id);
    if (taskId === undefined) return;
    this.#schedule.after(afterMs, () => {
      const container = this.#containers.get(id);
      if (container?.running?.taskId !== taskId) return;
      // What is paused comes to no end of its own.
      if (container.running.paused) container.overdue = exitCode;
      else this.#end(id, container, taskId, exitCode);
    });
  }

  #pause(container: EngineContainer, paused: boolean): void {
    if (container.running === undefined) return;
    container.running = { ...container.running, paused };
    const { overdue } = container;
    if (paused || overdue === undefined) return;
    container.overdue = undefined;
    this.#endLater(container.id, 1, overdue);
  }

  #end(id: ContainerId, container: EngineContainer, taskId: TaskId, exitCode: number): void {
    container.running = undefined;
    container.exited = this.#exitOf(id, taskId, exitCode);
    this.#onExit(container.exited);
  }

  #exitOf(containerId: ContainerId, taskId: TaskId, exitCode: number): Observation {
    return {
      kind: 'exited',
      containerId,
      taskId,
      exitCode,
      oomKilled: exitCode === 137 && this.#random.chance(0.1),
      finishedAtMs: this.#wallMs(),
    };
  }
}

function failed(code: CoreError['code'], message: string): OrderAnswer {
  return { ok: false, error: { code, message, changed: false } };
}
