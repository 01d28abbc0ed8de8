import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type ContainerId, shortId, type TaskId } from '../../core/model/index.ts';
import { freezeCgroup, thawCgroup } from '../../linux/freezer.ts';
import { isAlive, SIGKILL, signalProcess } from '../../linux/process-identity.ts';
import type { HealthMonitor } from '../health/health-monitor.ts';
import { EngineError, type Exit, type Recovered, type StartedTask, type TaskFiles, type TaskPlace } from '../port.ts';
import { notRunningMessage } from '../refusals.ts';
import { requiredSignal } from '../required-signal.ts';
import { Caretaker } from './caretaker.ts';
import { clearTask } from './clear-task.ts';
import type { Watched } from './conmon.ts';
import type { Containers } from './containers.ts';
import { endOfTask } from './end-of-task.ts';
import { rewriteEtcFiles } from './etc-files.ts';
import type { Execs } from './exec/execs.ts';
import { writeExitFile } from './exit-file.ts';
import type { OciFiles } from './files/oci-files.ts';
import { happens } from './happens.ts';
import type { HeldContainer } from './held-container.ts';
import { cgroupOf, type Host } from './host.ts';
import { launchTask } from './launch-task.ts';
import { logBounds, rotateLog } from './log-files.ts';
import { type RunningTask, type TaskRecord, writeRecord } from './record.ts';
import { keepTask, recoverContainers, toExit } from './recover-containers.ts';
import type { RootfsProvider } from './rootfs-provider.ts';
import { reopenLog } from './tell-conmon.ts';

export interface TasksParts {
  readonly host: Host;
  readonly containers: Containers;
  readonly execs: Execs;
  readonly files: OciFiles;
  readonly health: HealthMonitor;
  readonly ended: (exit: Exit) => void;
}

/** After SIGKILL; a process in an uninterruptible call may take longer, and then the caller is told. */
const KILL_PATIENCE_MS = 30_000;

/** The life of containers' tasks: from their start, through pauses, to the end that the kernel tells of. */
export class Tasks {
  readonly #parts: TasksParts;
  readonly #host: Host;
  readonly #containers: Containers;
  #caretaker: Caretaker | undefined;

  constructor(parts: TasksParts) {
    this.#parts = parts;
    this.#host = parts.host;
    this.#containers = parts.containers;
  }

  async recover(images: RootfsProvider, known: (id: ContainerId) => boolean): Promise<readonly Recovered[]> {
    const { execs, health } = this.#parts;
    // Watching comes first: what ends from here on is announced, what ended before is read below.
    const charge = {
      look: (id: ContainerId) => this.#look(id),
      round: () => this.#round(),
      isNeeded: () => this.#containers.running().length > 0,
    };
    this.#caretaker ??= new Caretaker(this.#host.paths.exits, charge, (why) => this.#host.log('warn', why));
    const found = await recoverContainers(this.#host, images, this.#containers, known);
    const running = found.filter((each) => each.state === 'running');
    await execs.recover(new Set(running.map(({ containerId }) => containerId)));
    for (const { containerId, startedAtMs, paused } of running) {
      health.begin(containerId, this.#containers.held(containerId).record.health, startedAtMs, paused);
      this.#look(containerId);
    }
    this.#caretaker.rouse();
    return found;
  }

  async start(id: ContainerId, taskId: TaskId, place: TaskPlace): Promise<StartedTask> {
    return this.#containers.lock.run(id, async () => {
      const held = this.#containers.held(id);
      const { running } = held;
      if (running?.taskId === taskId) return { pid: running.init.pid, startedAtMs: running.startedAtMs };
      if (running !== undefined) throw new EngineError('wrong-state', `container ${shortId(id)} is already running as ${running.taskId}`);
      const runtime = this.#host.runtimes.chosen;
      const before = held.task;
      const { bootId } = this.#host;
      await this.#write(id, { phase: 'starting', taskId, bootId, runtime: runtime.name });
      let watched: Watched | undefined;
      try {
        const connect = (): void => {
          const streams = held.openStreams;
          if (streams?.isWanted === true) streams.connect(this.#host.paths.bundle(id).attach);
        };
        await this.#parts.files.endWriters(id);
        watched = await launchTask(this.#host, held.record, runtime, place, connect, this.#containers);
        const startedAtMs = Date.now();
        const task: RunningTask = { phase: 'running', taskId, bootId, runtime: runtime.name, ...watched, startedAtMs };
        await this.#write(id, task);
        held.become(task);
        this.#parts.health.begin(id, held.record.health, startedAtMs, false);
        return { pid: watched.init.pid, startedAtMs };
      } catch (error) {
        if (watched !== undefined) await clearTask(this.#host, id, runtime, watched.conmon);
        await (before === undefined ? rm(this.#host.paths.container(id).task, { force: true }) : this.#write(id, before));
        throw error;
      } finally {
        // A process may end before its start is written down: its exit was announced in vain.
        if (held.running !== undefined) this.#look(id);
        this.#caretaker?.rouse();
      }
    });
  }

  async place(id: ContainerId, files: TaskFiles): Promise<void> {
    await this.#containers.lock.run(id, async () => {
      if (this.#containers.held(id).running !== undefined) await rewriteEtcFiles(this.#host.paths.bundle(id).etc, files);
    });
  }

  async kill(id: ContainerId, signal: string): Promise<void> {
    const number = requiredSignal(signal);
    if (!signalProcess(this.running(id).init, number)) throw new EngineError('wrong-state', notRunningMessage(id));
    // Whoever is paused dies when he is not any more; any other signal waits for `unpause`.
    if (number === SIGKILL) await this.#thaw(id);
  }

  async stop(id: ContainerId, signal: string, timeoutMs: number): Promise<void> {
    // A start under way is waited for: it is what shall be stopped.
    const held = await this.#containers.lock.run(id, async () => this.#containers.held(id));
    const { running } = held;
    if (running === undefined) return;
    const { ended } = held;
    signalProcess(running.init, requiredSignal(signal || held.record.process.stopSignal));
    await this.#thaw(id);
    if (await happens(ended, timeoutMs)) return;
    held.openStreams?.hurry();
    signalProcess(running.init, SIGKILL);
    await this.#thaw(id);
    if (await happens(ended, KILL_PATIENCE_MS)) return;
    throw new EngineError('engine-failed', `container ${shortId(id)} did not end within ${KILL_PATIENCE_MS / 1000} s of SIGKILL`);
  }

  async pause(id: ContainerId): Promise<void> {
    const { execs, health } = this.#parts;
    await this.#containers.lock.run(id, async () => {
      this.running(id);
      health.hold(id);
      try {
        // An exec that is half-started would hang, and with it whoever asked for it.
        await execs.withNoneStarting(id, () => freezeCgroup(this.#host.trees, cgroupOf(this.#host, id)));
      } catch (error) {
        health.resume(id);
        if (error instanceof EngineError) throw error;
        throw new EngineError('engine-failed', `can't pause container ${shortId(id)}: ${String(error)}`);
      }
    });
  }

  async unpause(id: ContainerId): Promise<void> {
    await this.#containers.lock.run(id, async () => {
      this.running(id);
      await this.#thaw(id);
      this.#parts.health.resume(id);
    });
  }

  /** For good, for its container is to go. Called in the container's lock. @throws EngineError */
  async end(held: HeldContainer): Promise<void> {
    const { id } = held.record;
    if (held.running === undefined) return;
    signalProcess(held.running.init, SIGKILL);
    await this.#thaw(id);
    const deadline = Date.now() + KILL_PATIENCE_MS;
    while (held.running !== undefined && Date.now() < deadline) {
      await this.#settle(held);
      if (held.running !== undefined) await delay(2);
    }
    if (held.running !== undefined) throw new EngineError('engine-failed', `container ${shortId(id)} can't be killed: it stays`);
  }

  /** @throws EngineError where none runs */
  running(id: ContainerId): RunningTask {
    const { running } = this.#containers.held(id);
    if (running === undefined) throw new EngineError('wrong-state', notRunningMessage(id));
    return running;
  }

  /** Watches no more; tasks go on. */
  close(): void {
    this.#caretaker?.close();
  }

  async #thaw(id: ContainerId): Promise<void> {
    await thawCgroup(this.#host.trees, cgroupOf(this.#host, id));
  }

  async #write(id: ContainerId, task: TaskRecord): Promise<void> {
    await writeRecord(this.#host.paths.container(id).task, task, false);
  }

  #look(id: ContainerId): void {
    const settled = this.#containers.lock.run(id, async () => {
      const held = this.#containers.find(id);
      if (held !== undefined) await this.#settle(held);
    });
    settled.catch((error: unknown) => this.#host.log('warn', `container ${shortId(id)}: ${String(error)}`));
  }

  /** Ends the task in our books where it has ended. Called in the container's lock. */
  async #settle(held: HeldContainer): Promise<void> {
    const { running } = held;
    const { id } = held.record;
    if (running === undefined) return;
    const task = await endOfTask(this.#host, id, running);
    if (task === undefined) return;
    const isKept = await keepTask(this.#host, id, task);
    held.become(task);
    this.#parts.health.end(id);
    this.#parts.ended(toExit(id, task));
    await clearTask(this.#host, id, this.#host.runtimes.named(running.runtime), running.conmon);
    await this.#parts.execs.endAll(id);
    if (!isKept) await writeExitFile(this.#host, id, task.exitCode);
  }

  async #round(): Promise<void> {
    await this.#parts.execs.round();
    for (const { record, running } of this.#containers.running()) {
      if (running !== undefined && !isAlive(running.conmon)) this.#look(record.id);
      const control = this.#host.paths.bundle(record.id).control;
      const bounds = logBounds(record.spec.extras?.log);
      await rotateLog(this.#host.paths.container(record.id).log, bounds, () => reopenLog(control)).catch((error: unknown) => {
        this.#host.log('warn', `log of container ${shortId(record.id)} can't be rotated: ${String(error)}`);
      });
    }
  }
}
