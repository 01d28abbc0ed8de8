import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { type ContainerId, shortId, type TaskId } from '../../core/model/index.ts';
import { processesIn, removeCgroup } from '../../linux/cgroup.ts';
import { HealthMonitor } from '../health/health-monitor.ts';
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
import type { Containers } from './containers.ts';
import { createContainer } from './create-container.ts';
import { detailsOf } from './details.ts';
import { Execs } from './exec/execs.ts';
import type { OciFiles } from './files/oci-files.ts';
import { HeldContainer } from './held-container.ts';
import { cgroupOf, type Host } from './host.ts';
import { updateLimits } from './limits/update-limits.ts';
import { readLog } from './log-reader.ts';
import type { RootfsProvider } from './rootfs-provider.ts';
import { readStats } from './stats/read-stats.ts';
import { resizeTerminal } from './tell-conmon.ts';
import { Tasks } from './tasks.ts';
import { runPs } from './top/run-ps.ts';
import { anonymousVolumes } from './mounts/volume-names.ts';
import type { OciVolumes } from './volumes/oci-volumes.ts';

/** What the engine is put together from. */
export interface OciEngineParts {
  readonly host: Host;
  readonly containers: Containers;
  readonly images: RootfsProvider;
  readonly files: OciFiles;
  readonly fan?: FanOptions;
}

/** A health check runs as the container does. */
const PROBE = { env: [], workingDir: '', user: '', privileged: false, tty: false, stdin: false };

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
  readonly #health: HealthMonitor;
  readonly #tasks: Tasks;

  constructor({ host, containers, images, files, fan = FAN }: OciEngineParts) {
    this.#host = host;
    this.#fan = fan;
    this.#containers = containers;
    this.#files = files;
    this.#execs = new Execs(host, containers, fan);
    this.#health = new HealthMonitor(
      (id, argv) => this.#execs.start(id, { ...PROBE, argv }),
      (change) => this.#tell(this.#healthListeners, change),
    );
    const ended = (exit: Exit): void => this.#tell(this.#listeners, exit);
    this.#tasks = new Tasks({ host, containers, execs: this.#execs, files, health: this.#health, ended });
    this.images = images;
    this.volumes = host.volumes;
    this.description = {
      name: host.runtimes.chosen.name,
      version: host.runtimes.version,
      cgroupVersion: host.trees.version,
      seccomp: host.seccomp !== undefined,
    };
  }

  recover(known: (id: ContainerId) => boolean): Promise<readonly Recovered[]> {
    return this.#tasks.recover(this.images, known);
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

  start(id: ContainerId, taskId: TaskId, place: TaskPlace): Promise<StartedTask> {
    return this.#tasks.start(id, taskId, place);
  }

  place(id: ContainerId, files: TaskFiles): Promise<void> {
    return this.#tasks.place(id, files);
  }

  kill(id: ContainerId, signal: string): Promise<void> {
    return this.#tasks.kill(id, signal);
  }

  stop(id: ContainerId, signal: string, timeoutMs: number): Promise<void> {
    return this.#tasks.stop(id, signal, timeoutMs);
  }

  pause(id: ContainerId): Promise<void> {
    return this.#tasks.pause(id);
  }

  unpause(id: ContainerId): Promise<void> {
    return this.#tasks.unpause(id);
  }

  async update(id: ContainerId, limits: ContainerLimits): Promise<void> {
    await this.#containers.lock.run(id, async () => updateLimits(this.#host, this.#containers.held(id), limits));
  }

  async remove(id: ContainerId, { volumes } = { volumes: false }): Promise<void> {
    this.#creating.get(id)?.abort();
    await this.#files.endWriters(id);
    await this.#containers.lock.run(id, async () => {
      const held = this.#containers.find(id);
      const paths = this.#host.paths.container(id);
      held?.openStreams?.hurry();
      if (held !== undefined) await this.#tasks.end(held);
      held?.openStreams?.close();
      this.volumes.release(id);
      if (volumes) await this.volumes.removeAnonymous(anonymousVolumes(held?.record.mounts));
      // Without its record the directory is no container's, whatever of it is still there.
      await rm(paths.record, { force: true });
      this.#containers.delete(id);
      this.images.releaseContainer(id);
      this.#health.forget(id);
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
    this.#tasks.running(id);
    if (record.spec.tty && !(await resizeTerminal(this.#host.paths.bundle(id).control, size)))
      throw new EngineError('wrong-state', `container ${shortId(id)} is not running`);
  }

  exec(id: ContainerId, spec: ExecSpec): Promise<RunningExec> {
    return this.#execs.start(id, spec);
  }

  async top(id: ContainerId, psArguments: readonly string[]) {
    this.#tasks.running(id);
    return runPs(psArguments, processesIn(this.#host.trees, cgroupOf(this.#host, id)));
  }

  async stats(id: ContainerId): Promise<ContainerStats | undefined> {
    const { running } = this.#containers.held(id);
    return running && readStats(this.#host, id, running);
  }

  async health(id: ContainerId): Promise<ContainerHealth | undefined> {
    this.#containers.held(id);
    return this.#health.of(id);
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
    this.#tasks.close();
    this.#health.close();
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

  #tell<T>(listeners: readonly ((told: T) => void)[], told: T): void {
    for (const listener of listeners) listener(told);
  }
}
