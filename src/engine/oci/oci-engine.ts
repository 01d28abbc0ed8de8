import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type ContainerId, shortId, type TaskId } from '../../core/model/index.ts';
import { processesIn, removeCgroup } from '../../linux/cgroup.ts';
import { freezeCgroup, thawCgroup } from '../../linux/freezer.ts';
import { isAlive, SIGKILL, signalProcess } from '../../linux/process-identity.ts';
import { FAN, type FanOptions } from '../output-fan.ts';
import {
  type AttachedStreams,
  type AttachOptions,
  type BlobSource,
  type ContainerDetails,
  type ContainerHealth,
  type ContainerLimits,
  type ContainerSpec,
  type ContainerStats,
  type Engine,
  EngineError,
  type ExecSpec,
  type Exit,
  type HealthChange,
  type LogEntry,
  type LogOptions,
  type Recovered,
  type RunningExec,
  type StartedTask,
  type TaskFiles,
  type TaskPlace,
  type TerminalSize,
  type WriteArchiveOptions,
} from '../port.ts';
import { notRunningMessage } from '../refusals.ts';
import { signalNumber } from '../signals.ts';
import { Caretaker } from './caretaker.ts';
import { clearTask } from './clear-task.ts';
import type { Watched } from './conmon.ts';
import type { Containers } from './containers.ts';
import { createContainer } from './create-container.ts';
import { detailsOf } from './details.ts';
import { endOfTask } from './end-of-task.ts';
import { rewriteEtcFiles } from './etc-files.ts';
import { Execs } from './exec/execs.ts';
import { writeExitFile } from './exit-file.ts';
import type { OciFiles } from './files/oci-files.ts';
import { happens } from './happens.ts';
import { HeldContainer } from './held-container.ts';
import { cgroupOf, type Host } from './host.ts';
import { launchTask } from './launch-task.ts';
import { updateLimits } from './limits/update-limits.ts';
import { rotateLog } from './log-files.ts';
import { readLog } from './log-reader.ts';
import { type RunningTask, type TaskRecord, writeRecord } from './record.ts';
import { keepTask, recoverContainers, toExit } from './recover-containers.ts';
import type { RootfsProvider } from './rootfs-provider.ts';
import { readStats } from './stats/read-stats.ts';
import { reopenLog, resizeTerminal } from './tell-conmon.ts';
import { runPs } from './top/run-ps.ts';
import { volumeNames } from './mounts/volume-names.ts';
import type { OciVolumes } from './volumes/oci-volumes.ts';

/** What the engine is put together from. */
export interface OciEngineParts {
  readonly host: Host;
  readonly containers: Containers;
  readonly images: RootfsProvider;
  readonly files: OciFiles;
  readonly fan?: FanOptions;
}

/** After SIGKILL; a process in an uninterruptible call may take longer, and then the caller is told. */
const KILL_PATIENCE_MS = 30_000;

/**
 * Containers under conmon and an OCI runtime. What is true is on the disk and in the kernel
 * (engine-paths, record); memory mirrors it. Operations on one container run one after another,
 * except reading and signalling.
 */
export class OciEngine implements Engine {
  readonly images: RootfsProvider;
  readonly volumes: OciVolumes;
  readonly description: Engine['description'];
  readonly #host: Host;
  readonly #fan: FanOptions;
  readonly #containers: Containers;
  readonly #files: OciFiles;
  readonly #execs: Execs;
  readonly #creating = new Map<ContainerId, AbortController>();
  readonly #listeners: ((exit: Exit) => void)[] = [];
  readonly #healthListeners: ((change: HealthChange) => void)[] = [];
  #caretaker: Caretaker | undefined;

  constructor({ host, containers, images, files, fan = FAN }: OciEngineParts) {
    this.#host = host;
    this.#fan = fan;
    this.#containers = containers;
    this.#files = files;
    this.#execs = new Execs(host, containers, fan);
    this.images = images;
    this.volumes = host.volumes;
    this.description = {
      name: host.runtimes.chosen.name,
      version: host.runtimes.version,
      cgroupVersion: host.trees.version,
      seccomp: host.seccomp !== undefined,
    };
  }

  async recover(known: (id: ContainerId) => boolean): Promise<readonly Recovered[]> {
    // Watching comes first: what ends from here on is announced, what ended before is read below.
    const charge = {
      look: (id: ContainerId) => this.#look(id),
      round: () => this.#round(),
      isNeeded: () => this.#containers.running().length > 0,
    };
    this.#caretaker ??= new Caretaker(this.#host.paths.exits, charge, (why) => this.#host.log('warn', why));
    const found = await recoverContainers(this.#host, this.images, this.#containers, known);
    const running = new Set(this.#containers.running().map(({ record }) => record.id));
    await this.#execs.recover(running);
    for (const id of running) this.#look(id);
    this.#caretaker.rouse();
    return found;
  }

  async create(id: ContainerId, spec: ContainerSpec, sources: readonly BlobSource[]): Promise<void> {
    await this.#containers.lock.run(id, async () => {
      if (this.#containers.find(id) !== undefined) return;
      const abort = new AbortController();
      this.#creating.set(id, abort);
      try {
        const hostnameOf = (other: ContainerId) => this.#containers.find(other)?.record.process.hostname;
        const record = await createContainer(this.#host, this.images, id, spec, sources, abort.signal, hostnameOf);
        this.#containers.add(new HeldContainer(record, undefined));
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
        await this.#files.beforeStart(id);
        watched = await launchTask(this.#host, held.record, runtime, place, connect, this.#containers);
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
    await this.#containers.lock.run(id, async () => {
      if (this.#containers.held(id).running !== undefined) await rewriteEtcFiles(this.#host.paths.bundle(id).etc, files);
    });
  }

  async kill(id: ContainerId, signal: string): Promise<void> {
    const number = signalNumber(signal);
    if (number === undefined)
      throw new EngineError('engine-failed', `invalid signal ${JSON.stringify(signal)}: see signal(7) for the names`);
    if (!signalProcess(this.#runningTask(id).init, number)) throw new EngineError('wrong-state', notRunningMessage(id));
    // Whoever is paused dies when he is not any more; any other signal waits for `unpause`.
    if (number === SIGKILL) await thawCgroup(this.#host.trees, cgroupOf(this.#host, id));
  }

  async stop(id: ContainerId, signal: string, timeoutMs: number): Promise<void> {
    // A start under way is waited for: it is what shall be stopped.
    const held = await this.#containers.lock.run(id, async () => this.#containers.held(id));
    const { running } = held;
    if (running === undefined) return;
    const { ended } = held;
    const number = signalNumber(signal || held.record.process.stopSignal);
    if (number === undefined)
      throw new EngineError('engine-failed', `invalid signal ${JSON.stringify(signal)}: see signal(7) for the names`);
    signalProcess(running.init, number);
    await thawCgroup(this.#host.trees, cgroupOf(this.#host, id));
    if (await happens(ended, timeoutMs)) return;
    held.openStreams?.hurry();
    signalProcess(running.init, SIGKILL);
    if (await happens(ended, KILL_PATIENCE_MS)) return;
    throw new EngineError('engine-failed', `container ${shortId(id)} did not end within ${KILL_PATIENCE_MS / 1000} s of SIGKILL`);
  }

  async pause(id: ContainerId): Promise<void> {
    await this.#containers.lock.run(id, async () => {
      this.#runningTask(id);
      // What is half-started would hang, and with it whoever asked for it.
      await this.#execs.settled(id);
      try {
        await freezeCgroup(this.#host.trees, cgroupOf(this.#host, id));
      } catch (error) {
        throw new EngineError('engine-failed', `can't pause container ${shortId(id)}: ${String(error)}`);
      }
    });
  }

  async unpause(id: ContainerId): Promise<void> {
    await this.#containers.lock.run(id, async () => {
      this.#runningTask(id);
      await thawCgroup(this.#host.trees, cgroupOf(this.#host, id));
    });
  }

  async update(id: ContainerId, limits: ContainerLimits): Promise<void> {
    await this.#containers.lock.run(id, async () => updateLimits(this.#host, this.#containers.held(id), limits));
  }

  async remove(id: ContainerId, { volumes } = { volumes: false }): Promise<void> {
    this.#creating.get(id)?.abort();
    await this.#containers.lock.run(id, async () => {
      const held = this.#containers.find(id);
      const paths = this.#host.paths.container(id);
      held?.openStreams?.hurry();
      if (held?.running !== undefined) {
        signalProcess(held.running.init, SIGKILL);
        await thawCgroup(this.#host.trees, cgroupOf(this.#host, id));
        const deadline = Date.now() + KILL_PATIENCE_MS;
        while (held.running !== undefined && Date.now() < deadline) {
          await this.#settle(held);
          if (held.running !== undefined) await delay(2);
        }
        if (held.running !== undefined) throw new EngineError('engine-failed', `container ${shortId(id)} can't be killed: it stays`);
      }
      held?.openStreams?.close();
      this.volumes.release(id);
      if (volumes) await this.volumes.removeAnonymous(volumeNames(held?.record.mounts));
      // Without its record the directory is no container's, whatever of it is still there.
      await rm(paths.record, { force: true });
      this.#containers.delete(id);
      this.images.releaseContainer(id);
      await rm(paths.dir, { recursive: true, force: true });
      await rm(this.#host.paths.bundle(id).exit, { force: true });
    });
  }

  async *logs(id: ContainerId, options: LogOptions): AsyncGenerator<LogEntry> {
    const held = this.#containers.held(id);
    yield* readLog(this.#host.paths.container(id).log, options, held.ended);
  }

  async attach(id: ContainerId, options: AttachOptions): Promise<AttachedStreams> {
    const held = this.#containers.held(id);
    const streams = held.streams(this.#fan);
    const attached = streams.join(options);
    if (held.running !== undefined) streams.connect(this.#host.paths.bundle(id).attach);
    return attached;
  }

  async resize(id: ContainerId, size: TerminalSize): Promise<void> {
    const { record } = this.#containers.held(id);
    this.#runningTask(id);
    if (record.spec.tty) await resizeTerminal(this.#host.paths.bundle(id).control, size);
  }

  exec(id: ContainerId, spec: ExecSpec): Promise<RunningExec> {
    return this.#execs.start(id, spec);
  }

  async top(id: ContainerId, psArguments: readonly string[]) {
    this.#runningTask(id);
    return runPs(psArguments, processesIn(this.#host.trees, cgroupOf(this.#host, id)));
  }

  async stats(id: ContainerId): Promise<ContainerStats | undefined> {
    const { running } = this.#containers.held(id);
    return running && readStats(this.#host, id, running);
  }

  async health(id: ContainerId): Promise<ContainerHealth | undefined> {
    this.#containers.held(id);
    return undefined;
  }

  async details(id: ContainerId): Promise<ContainerDetails> {
    return detailsOf(this.#host, this.#containers.held(id));
  }

  statPath(id: ContainerId, path: string) {
    return this.#files.statPath(id, path);
  }

  readArchive(id: ContainerId, path: string, signal: AbortSignal) {
    return this.#files.readArchive(id, path, signal);
  }

  writeArchive(id: ContainerId, path: string, archive: Readable, options: WriteArchiveOptions) {
    return this.#files.writeArchive(id, path, archive, options);
  }

  exportRoot(id: ContainerId, signal: AbortSignal) {
    return this.#files.exportRoot(id, signal);
  }

  exportLayer(id: ContainerId, signal: AbortSignal) {
    return this.#files.exportLayer(id, signal);
  }

  changes(id: ContainerId) {
    return this.#files.changes(id);
  }

  sizes(id: ContainerId) {
    return this.#files.sizes(id);
  }

  onExit(listener: (exit: Exit) => void): void {
    this.#listeners.push(listener);
  }

  onHealth(listener: (change: HealthChange) => void): void {
    this.#healthListeners.push(listener);
  }

  async close(): Promise<void> {
    this.#caretaker?.close();
    for (const abort of this.#creating.values()) abort.abort();
    for (const held of this.#containers.all()) held.openStreams?.close();
    this.#execs.close();
    this.#files.close();
    try {
      removeCgroup(this.#host.trees, this.#host.cgroupParent);
    } catch {
      // Containers run on in it.
    }
  }

  #runningTask(id: ContainerId): RunningTask {
    const { running } = this.#containers.held(id);
    if (running === undefined) throw new EngineError('wrong-state', notRunningMessage(id));
    return running;
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
    for (const listener of this.#listeners) listener(toExit(id, task));
    await clearTask(this.#host, id, this.#host.runtimes.named(running.runtime), running.conmon);
    await this.#execs.endAll(id);
    if (!isKept) await writeExitFile(this.#host, id, task.exitCode);
  }

  async #round(): Promise<void> {
    await this.#execs.round();
    for (const { record, running } of this.#containers.running()) {
      if (running !== undefined && !isAlive(running.conmon)) this.#look(record.id);
      const control = this.#host.paths.bundle(record.id).control;
      await rotateLog(this.#host.paths.container(record.id).log, () => reopenLog(control)).catch((error: unknown) => {
        this.#host.log('warn', `log of container ${shortId(record.id)} can't be rotated: ${String(error)}`);
      });
    }
  }
}
