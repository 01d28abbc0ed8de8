import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ContainerId, shortId, type TaskId } from '../../core/model/index.ts';
import { removeCgroup } from '../../linux/cgroup.ts';
import { isAlive, SIGKILL, signalProcess } from '../../linux/process-identity.ts';
import { FAN, type FanOptions } from '../output-fan.ts';
import {
  type AttachedStreams,
  type AttachOptions,
  type BlobSource,
  type ContainerDetails,
  type ContainerSpec,
  type Engine,
  EngineError,
  type Exit,
  type LogEntry,
  type LogOptions,
  type Recovered,
  type StartedTask,
  type TaskFiles,
  type TaskPlace,
  type TerminalSize,
} from '../port.ts';
import { signalNumber } from '../signals.ts';
import { Caretaker } from './caretaker.ts';
import { clearTask } from './clear-task.ts';
import type { Watched } from './conmon.ts';
import { createContainer } from './create-container.ts';
import { endOfTask } from './end-of-task.ts';
import { rewriteEtcFiles } from './etc-files.ts';
import { writeExitFile } from './exit-file.ts';
import { HeldContainer } from './held-container.ts';
import type { Host } from './host.ts';
import { KeyedLock } from './keyed-lock.ts';
import { launchTask } from './launch-task.ts';
import { removeLeftovers } from './leftovers.ts';
import { rotateLog } from './log-files.ts';
import { readLog } from './log-reader.ts';
import { type ContainerRecord, type ExitedTask, readRecord, type RunningTask, type TaskRecord, writeRecord } from './record.ts';
import { recoverTask } from './recover-task.ts';
import type { RootfsProvider } from './rootfs-provider.ts';
import { endStrays, findStrays } from './strays.ts';
import { reopenLog, resizeTerminal } from './tell-conmon.ts';

/** After SIGKILL; a process in an uninterruptible call may take longer, and then the caller is told. */
const KILL_PATIENCE_MS = 30_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Containers under conmon and an OCI runtime. What is true is on the disk and in the kernel
 * (engine-paths, record); memory mirrors it. Operations on one container run one after another,
 * except reading and signalling.
 */
export class OciEngine implements Engine {
  readonly images: RootfsProvider;
  readonly description: Engine['description'];
  readonly #host: Host;
  readonly #fan: FanOptions;
  readonly #containers = new Map<ContainerId, HeldContainer>();
  readonly #lock = new KeyedLock<ContainerId>();
  readonly #creating = new Map<ContainerId, AbortController>();
  readonly #listeners: ((exit: Exit) => void)[] = [];
  #caretaker: Caretaker | undefined;

  constructor(host: Host, images: RootfsProvider, fan: FanOptions = FAN) {
    this.#host = host;
    this.#fan = fan;
    this.images = images;
    this.description = {
      name: host.runtimes.chosen.name,
      version: host.runtimes.version,
      cgroupVersion: host.trees.version,
      seccomp: host.seccomp !== undefined,
    };
  }

  async recover(known: (id: ContainerId) => boolean): Promise<readonly Recovered[]> {
    // Watching comes first: what ends from here on is announced, what ended before is read below.
    const charge = { look: (id: ContainerId) => this.#look(id), round: () => this.#round(), isNeeded: () => this.#running().length > 0 };
    this.#caretaker ??= new Caretaker(this.#host.paths.exits, charge, (why) => this.#host.log('warn', why));
    await endStrays(findStrays(this.#host.paths).filter(({ kind }) => kind === 'runtime'));
    const conmons = findStrays(this.#host.paths).filter(({ kind }) => kind === 'conmon');
    const found: Recovered[] = [];
    const untold: [ContainerId, number][] = [];
    for (const name of await readdir(this.#host.paths.containers)) {
      const record = await readRecord<ContainerRecord>(join(this.#host.paths.containers, name, 'container.json'));
      if (record === undefined || record.id !== name || !known(record.id)) continue;
      const before = await readRecord<TaskRecord>(this.#host.paths.container(record.id).task);
      const task = before && (await recoverTask(this.#host, record, before, conmons));
      const isKept = task === undefined || task === before || (await this.#keep(record.id, task));
      if (!isKept && task.phase === 'exited') untold.push([record.id, task.exitCode]);
      this.#containers.set(record.id, new HeldContainer(record, task));
      this.images.retain(record.spec.image.digest, record.id);
      found.push(recovered(record.id, task));
    }
    const running = new Set(this.#running().map(({ record }) => record.id));
    await endStrays(conmons.filter(({ argv }) => ![...running].some((id) => argv.includes(id))));
    await removeLeftovers(this.#host, running);
    for (const name of await readdir(this.#host.paths.containers)) {
      if (!this.#containers.has(name as ContainerId)) await rm(join(this.#host.paths.containers, name), { recursive: true, force: true });
    }
    for (const [id, exitCode] of untold) await writeExitFile(this.#host, id, exitCode);
    for (const id of running) this.#look(id);
    this.#caretaker.rouse();
    return found;
  }

  async create(id: ContainerId, spec: ContainerSpec, sources: readonly BlobSource[]): Promise<void> {
    await this.#lock.run(id, async () => {
      if (this.#containers.has(id)) return;
      const abort = new AbortController();
      this.#creating.set(id, abort);
      try {
        const hostnameOf = (other: ContainerId) => this.#containers.get(other)?.record.process.hostname;
        const record = await createContainer(this.#host, this.images, id, spec, sources, abort.signal, hostnameOf);
        this.#containers.set(id, new HeldContainer(record, undefined));
      } catch (error) {
        await rm(this.#host.paths.container(id).dir, { recursive: true, force: true });
        throw error instanceof EngineError
          ? error
          : new EngineError('engine-failed', `can't make container ${shortId(id)}: ${String(error)}`);
      } finally {
        this.#creating.delete(id);
      }
    });
  }

  async start(id: ContainerId, taskId: TaskId, place: TaskPlace): Promise<StartedTask> {
    return this.#lock.run(id, async () => {
      const held = this.#held(id);
      const { running } = held;
      if (running?.taskId === taskId) return { pid: running.init.pid, startedAtMs: running.startedAtMs };
      if (running !== undefined) throw new EngineError('wrong-state', `container ${shortId(id)} is already running as ${running.taskId}`);
      const runtime = this.#host.runtimes.chosen;
      const before = held.task;
      const { bootId } = this.#host;
      await this.#write(id, { phase: 'starting', taskId, bootId, runtime: runtime.name });
      let watched: Watched | undefined;
      try {
        watched = await launchTask(this.#host, held.record, runtime, place, () => {
          const streams = held.openStreams;
          if (streams?.isWanted === true) streams.connect(this.#host.paths.bundle(id).attach);
        });
        const startedAtMs = Date.now();
        const task: RunningTask = { phase: 'running', taskId, bootId, runtime: runtime.name, ...watched, startedAtMs };
        await this.#write(id, task);
        held.become(task);
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
    await this.#lock.run(id, async () => {
      if (this.#held(id).running !== undefined) await rewriteEtcFiles(this.#host.paths.bundle(id).etc, files);
    });
  }

  async kill(id: ContainerId, signal: string): Promise<void> {
    const number = signalNumber(signal);
    if (number === undefined)
      throw new EngineError('engine-failed', `invalid signal ${JSON.stringify(signal)}: see signal(7) for the names`);
    const { running } = this.#held(id);
    if (running === undefined || !signalProcess(running.init, number)) {
      throw new EngineError('wrong-state', `container ${shortId(id)} is not running`);
    }
  }

  async stop(id: ContainerId, signal: string, timeoutMs: number): Promise<void> {
    // A start under way is waited for: it is what shall be stopped.
    const held = await this.#lock.run(id, async () => this.#held(id));
    const { running } = held;
    if (running === undefined) return;
    const { ended } = held;
    const number = signalNumber(signal || held.record.process.stopSignal);
    if (number === undefined)
      throw new EngineError('engine-failed', `invalid signal ${JSON.stringify(signal)}: see signal(7) for the names`);
    signalProcess(running.init, number);
    if (await happens(ended, timeoutMs)) return;
    held.openStreams?.hurry();
    signalProcess(running.init, SIGKILL);
    if (await happens(ended, KILL_PATIENCE_MS)) return;
    throw new EngineError('engine-failed', `container ${shortId(id)} did not end within ${KILL_PATIENCE_MS / 1000} s of SIGKILL`);
  }

  async remove(id: ContainerId): Promise<void> {
    this.#creating.get(id)?.abort();
    await this.#lock.run(id, async () => {
      const held = this.#containers.get(id);
      const paths = this.#host.paths.container(id);
      held?.openStreams?.hurry();
      if (held?.running !== undefined) {
        signalProcess(held.running.init, SIGKILL);
        const deadline = Date.now() + KILL_PATIENCE_MS;
        while (held.running !== undefined && Date.now() < deadline) {
          await this.#settle(held);
          if (held.running !== undefined) await delay(2);
        }
        if (held.running !== undefined) throw new EngineError('engine-failed', `container ${shortId(id)} can't be killed: it stays`);
      }
      held?.openStreams?.close();
      // Without its record the directory is no container's, whatever of it is still there.
      await rm(paths.record, { force: true });
      this.#containers.delete(id);
      this.images.releaseContainer(id);
      await rm(paths.dir, { recursive: true, force: true });
      await rm(this.#host.paths.bundle(id).exit, { force: true });
    });
  }

  async *logs(id: ContainerId, options: LogOptions): AsyncGenerator<LogEntry> {
    const held = this.#held(id);
    yield* readLog(this.#host.paths.container(id).log, options, held.ended);
  }

  async attach(id: ContainerId, options: AttachOptions): Promise<AttachedStreams> {
    const held = this.#held(id);
    const streams = held.streams(this.#fan);
    const attached = streams.join(options);
    if (held.running !== undefined) streams.connect(this.#host.paths.bundle(id).attach);
    return attached;
  }

  async resize(id: ContainerId, size: TerminalSize): Promise<void> {
    const { record, running } = this.#held(id);
    if (running === undefined) throw new EngineError('wrong-state', `container ${shortId(id)} is not running`);
    if (record.spec.tty) await resizeTerminal(this.#host.paths.bundle(id).control, size);
  }

  async details(id: ContainerId): Promise<ContainerDetails> {
    const { record, task } = this.#held(id);
    const { argv, entrypoint, command, env, labels, workingDir, user, hostname, stopSignal } = record.process;
    const [path, ...args] = argv;
    return {
      imageId: record.imageId,
      path,
      args,
      entrypoint,
      command,
      env,
      labels,
      workingDir,
      user,
      hostname,
      stopSignal,
      logPath: this.#host.paths.container(id).log,
      runtime: task?.runtime ?? this.#host.runtimes.chosen.name,
    };
  }

  onExit(listener: (exit: Exit) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.#caretaker?.close();
    for (const abort of this.#creating.values()) abort.abort();
    for (const held of this.#containers.values()) held.openStreams?.close();
    try {
      removeCgroup(this.#host.trees, this.#host.cgroupParent);
    } catch {
      // Containers run on in it.
    }
  }

  #held(id: ContainerId): HeldContainer {
    const held = this.#containers.get(id);
    if (held === undefined) throw new EngineError('no-such-container', `this node's engine has no container ${shortId(id)}`);
    return held;
  }

  #running(): HeldContainer[] {
    return [...this.#containers.values()].filter((held) => held.running !== undefined);
  }

  async #write(id: ContainerId, task: TaskRecord): Promise<void> {
    await writeRecord(this.#host.paths.container(id).task, task, false);
  }

  /** Writes down what is true already: a full disk must keep no container from ending, nor us from starting. Returns whether it could. */
  async #keep(id: ContainerId, task: TaskRecord): Promise<boolean> {
    try {
      await this.#write(id, task);
      return true;
    } catch (error) {
      this.#host.log('warn', `what became of container ${shortId(id)} can't be written down: ${String(error)}`);
      return false;
    }
  }

  #look(id: ContainerId): void {
    const settled = this.#lock.run(id, async () => {
      const held = this.#containers.get(id);
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
    const isKept = await this.#keep(id, task);
    held.become(task);
    for (const listener of this.#listeners) listener(toExit(id, task));
    await clearTask(this.#host, id, this.#host.runtimes.named(running.runtime), running.conmon);
    if (!isKept) await writeExitFile(this.#host, id, task.exitCode);
  }

  async #round(): Promise<void> {
    for (const { record, running } of this.#running()) {
      if (running !== undefined && !isAlive(running.conmon)) this.#look(record.id);
      const control = this.#host.paths.bundle(record.id).control;
      await rotateLog(this.#host.paths.container(record.id).log, () => reopenLog(control)).catch((error: unknown) => {
        this.#host.log('warn', `log of container ${shortId(record.id)} can't be rotated: ${String(error)}`);
      });
    }
  }
}

function recovered(id: ContainerId, task: TaskRecord | undefined): Recovered {
  if (task?.phase === 'running') {
    return { containerId: id, state: 'running', taskId: task.taskId, pid: task.init.pid, startedAtMs: task.startedAtMs };
  }
  return task?.phase === 'exited' ? { containerId: id, state: 'exited', exit: toExit(id, task) } : { containerId: id, state: 'created' };
}

function toExit(id: ContainerId, { taskId, exitCode, oomKilled, finishedAtMs }: ExitedTask): Exit {
  return { containerId: id, taskId, exitCode, oomKilled, finishedAtMs };
}

/** Whether the signal aborts within the time. */
async function happens(signal: AbortSignal, withinMs: number): Promise<boolean> {
  if (signal.aborted || withinMs <= 0) return signal.aborted;
  await delay(Math.min(withinMs, LONGEST_TIMER_MS), undefined, { signal }).catch(() => undefined);
  return signal.aborted;
}
