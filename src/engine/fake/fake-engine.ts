import type { Readable } from 'node:stream';
import { type ContainerId, shortId, type TaskId } from '../../core/model/index.ts';
import { healthCheckOf } from '../health/health-check.ts';
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
  type FileChange,
  type HealthChange,
  ImageError,
  type LogEntry,
  type LogOptions,
  type PathStat,
  type Recovered,
  type StartedTask,
  type TaskFiles,
  type TaskPlace,
  type TerminalSize,
  type WriteArchiveOptions,
} from '../port.ts';
import { notRunningMessage, pausedMessage } from '../refusals.ts';
import { requiredSignal } from '../required-signal.ts';
import { updatedSpec } from '../updated-spec.ts';
import { mergeEnvironment } from '../oci/process-config.ts';
import { FakeExec } from './fake-exec.ts';
import { FakeFiles } from './fake-files.ts';
import { type FakeContainer, FakeHost } from './fake-host.ts';
import type { FakeImages } from './fake-images.ts';
import { FakeLog } from './fake-log.ts';
import { FakeProcess, type ProcessContext } from './fake-process.ts';
import { fakePs } from './fake-ps.ts';
import { fakeStats } from './fake-stats.ts';
import { FakeStreams } from './fake-streams.ts';
import type { FakeVolumes } from './fake-volumes.ts';
import { canPlay } from './script.ts';

const SIGKILL = 9;
/** A health check runs as the container does. */
const PROBE = { env: [], workingDir: '', user: '', privileged: false, tty: false, stdin: false };

/** An engine in memory: commands that busybox would run are played (fake-process), output is kept, time is real. */
export class FakeEngine implements Engine {
  readonly images: FakeImages;
  readonly volumes: FakeVolumes;
  readonly description = { name: 'fake', version: '1', cgroupVersion: 2, seccomp: false } as const;
  readonly #host: FakeHost;
  readonly #fan: FanOptions;
  readonly #listeners: ((exit: Exit) => void)[] = [];
  readonly #healthListeners: ((change: HealthChange) => void)[] = [];
  readonly #health: HealthMonitor;

  constructor(host: FakeHost = new FakeHost(), fan: FanOptions = FAN) {
    this.#host = host;
    this.#fan = fan;
    this.images = host.images;
    this.volumes = host.volumes;
    this.#health = new HealthMonitor(
      (id, argv) => this.exec(id, { ...PROBE, argv }),
      (change) => {
        for (const listener of this.#healthListeners) listener(change);
      },
    );
  }

  async recover(known: (id: ContainerId) => boolean): Promise<readonly Recovered[]> {
    this.#host.listener = (exit) => {
      this.#health.end(exit.containerId);
      for (const listener of this.#listeners) listener(exit);
    };
    const found: Recovered[] = [];
    for (const [containerId, { started, paused, exit, health }] of this.#host.containers) {
      if (!known(containerId)) await this.remove(containerId);
      else if (started !== undefined) {
        this.#health.begin(containerId, health, started.startedAtMs, paused);
        found.push({ containerId, state: 'running', ...started, paused });
      } else if (exit !== undefined) found.push({ containerId, state: 'exited', exit });
      else found.push({ containerId, state: 'created' });
    }
    return found;
  }

  async create(id: ContainerId, spec: ContainerSpec, sources: readonly BlobSource[]): Promise<void> {
    if (this.#host.containers.has(id)) return;
    try {
      await this.images.fetch(spec.image, sources, new AbortController().signal);
    } catch (error) {
      if (error instanceof ImageError) throw new EngineError('image-missing', error.message);
      throw error;
    }
    const image = await this.images.inspect(spec.image.digest);
    const inherited =
      spec.networkMode === 'container' ? this.#host.containers.get(spec.networkOf as ContainerId)?.details.hostname : undefined;
    const named = { ...spec, hostname: spec.hostname || (inherited ?? '') };
    for (const mount of spec.mounts ?? []) {
      if (mount.kind === 'volume') await this.volumes.create({ ...mount, options: {} });
    }
    const details = detailsOf(id, named, image?.id ?? '', (image?.config['Cmd'] ?? null) as string[] | null);
    this.#host.containers.set(id, {
      spec,
      details,
      health: healthCheckOf(spec.extras?.healthcheck, image?.config ?? {}),
      log: new FakeLog(),
      files: new FakeFiles(spec.workingDir),
      streams: new FakeStreams(spec, this.#fan),
      size: spec.terminalSize ?? { rows: 24, columns: 80 },
      process: undefined,
      paused: false,
      execs: new Set(),
      started: undefined,
      exit: undefined,
      place: undefined,
    });
    this.images.retain(spec.image.digest, id);
  }

  async start(id: ContainerId, taskId: TaskId, place: TaskPlace): Promise<StartedTask> {
    const container = this.#held(id);
    const { details, log, started } = container;
    if (started?.taskId === taskId) return { pid: started.pid, startedAtMs: started.startedAtMs };
    if (started !== undefined) throw new EngineError('wrong-state', `container ${shortId(id)} is already running as ${started.taskId}`);
    const argv = [details.path, ...details.args];
    if (!canPlay(argv)) {
      throw new EngineError(
        'engine-failed',
        `OCI runtime create failed: exec: ${JSON.stringify(details.path)}: executable file not found in $PATH`,
      );
    }
    const task = { pid: this.#host.nextPid++, startedAtMs: Date.now() };
    container.started = { ...task, taskId };
    container.place = place;
    const context = { ...contextOf(details, details), size: () => container.size };
    const { streams } = container;
    log.open();
    container.process = new FakeProcess(argv, context, {
      write: (stream, data) => {
        log.write(stream, data);
        return streams.put({ stream, data });
      },
      read: () => streams.take(),
      exit: (exitCode) => this.#ended(id, container, { containerId: id, taskId, exitCode, oomKilled: false, finishedAtMs: Date.now() }),
    });
    this.#health.begin(id, container.health, task.startedAtMs, false);
    return task;
  }

  async place(id: ContainerId, files: TaskFiles): Promise<void> {
    const container = this.#held(id);
    const { started, place } = container;
    if (started === undefined || place === undefined) return;
    container.place = { ...place, resolvConf: files.resolvConf ?? place.resolvConf, hosts: files.hosts ?? place.hosts };
  }

  async kill(id: ContainerId, signal: string): Promise<void> {
    const number = requiredSignal(signal);
    const container = this.#held(id);
    running(id, container).signal(number);
    if (number === SIGKILL) this.#thaw(container);
  }

  async stop(id: ContainerId, signal: string, timeoutMs: number): Promise<void> {
    const container = this.#held(id);
    const { process } = container;
    if (process === undefined) return;
    const gone = container.log.closed();
    const timer = setTimeout(() => process.end(137), timeoutMs);
    process.signal(requiredSignal(signal || container.details.stopSignal));
    this.#thaw(container);
    await gone;
    clearTimeout(timer);
  }

  async pause(id: ContainerId): Promise<void> {
    const container = this.#held(id);
    const process = running(id, container);
    container.paused = true;
    for (const each of [process, ...[...container.execs].map((exec) => exec.process)]) each.pause();
    this.#health.hold(id);
  }

  async unpause(id: ContainerId): Promise<void> {
    const container = this.#held(id);
    running(id, container);
    this.#thaw(container);
    this.#health.resume(id);
  }

  async update(id: ContainerId, limits: ContainerLimits): Promise<void> {
    const container = this.#held(id);
    container.spec = updatedSpec(container.spec, limits);
  }

  async remove(id: ContainerId, { volumes } = { volumes: false }): Promise<void> {
    const container = this.#host.containers.get(id);
    container?.process?.end(137);
    container?.streams.close();
    this.#host.containers.delete(id);
    this.#health.forget(id);
    for (const mount of volumes ? (container?.spec.mounts ?? []) : []) {
      if (mount.kind !== 'volume' || !mount.anonymous) continue;
      if ((await this.volumes.inspect(mount.name))?.usedBy.length === 0) await this.volumes.remove(mount.name);
    }
    this.images.releaseContainer(id);
  }

  async *logs(id: ContainerId, options: LogOptions): AsyncGenerator<LogEntry> {
    yield* this.#held(id).log.read(options);
  }

  async attach(id: ContainerId, options: AttachOptions): Promise<AttachedStreams> {
    return this.#held(id).streams.join(options);
  }

  async resize(id: ContainerId, size: TerminalSize): Promise<void> {
    const container = this.#held(id);
    running(id, container);
    if (container.spec.tty) container.size = size;
  }

  async exec(id: ContainerId, spec: ExecSpec): Promise<FakeExec> {
    const container = this.#held(id);
    running(id, container);
    if (container.paused) throw new EngineError('wrong-state', pausedMessage(id));
    const { details, execs } = container;
    const user = spec.user || details.user;
    if (!/^(\d+|root)?(:|$)/.test(user)) {
      throw new EngineError('engine-failed', `unable to find user ${user.split(':')[0]}: no matching entries in passwd file`);
    }
    const env = mergeEnvironment(spec.tty ? ['TERM=xterm'] : [], details.env, spec.env);
    const context = contextOf(details, { env, user, workingDir: spec.workingDir || details.workingDir });
    const exec = new FakeExec(this.#host.nextPid++, spec, context, this.#fan, () => execs.delete(exec));
    execs.add(exec);
    return exec;
  }

  async top(id: ContainerId, psArguments: readonly string[]) {
    const { process, started, details, execs } = this.#held(id);
    if (process === undefined || started === undefined) throw new EngineError('wrong-state', notRunningMessage(id));
    return fakePs([{ pid: started.pid, argv: [details.path, ...details.args] }, ...execs], psArguments);
  }

  async stats(id: ContainerId): Promise<ContainerStats | undefined> {
    const { started, spec, execs } = this.#held(id);
    return started && fakeStats(started.startedAtMs, 1 + execs.size, spec);
  }

  async health(id: ContainerId): Promise<ContainerHealth | undefined> {
    this.#held(id);
    return this.#health.of(id);
  }

  async statPath(id: ContainerId, path: string): Promise<PathStat> {
    return this.#held(id).files.stat(path);
  }

  async readArchive(id: ContainerId, path: string, _signal: AbortSignal) {
    return this.#held(id).files.read(path);
  }

  async writeArchive(id: ContainerId, path: string, archive: Readable, options: WriteArchiveOptions): Promise<void> {
    await this.#held(id).files.write(path, archive, options);
  }

  async exportRoot(id: ContainerId, _signal: AbortSignal): Promise<Readable> {
    return this.#held(id).files.exportRoot();
  }

  async exportLayer(id: ContainerId, _signal: AbortSignal): Promise<Readable> {
    return this.#held(id).files.exportLayer();
  }

  async changes(id: ContainerId): Promise<readonly FileChange[]> {
    return this.#held(id).files.changes();
  }

  async sizes(id: ContainerId) {
    return this.#held(id).files.sizes();
  }

  async details(id: ContainerId): Promise<ContainerDetails> {
    return this.#held(id).details;
  }

  onExit(listener: (exit: Exit) => void): void {
    this.#listeners.push(listener);
  }

  onHealth(listener: (change: HealthChange) => void): void {
    this.#healthListeners.push(listener);
  }

  async close(): Promise<void> {
    this.#host.listener = undefined;
    this.#health.close();
    for (const { streams } of this.#host.containers.values()) streams.leaveAll();
  }

  #held(id: ContainerId): FakeContainer {
    const container = this.#host.containers.get(id);
    if (container === undefined) throw new EngineError('no-such-container', `this node's engine has no container ${shortId(id)}`);
    return container;
  }

  #thaw(container: FakeContainer): void {
    container.paused = false;
    container.process?.resume();
    for (const { process } of container.execs) process.resume();
  }

  #ended(id: ContainerId, container: FakeContainer, exit: Exit): void {
    container.process = undefined;
    container.paused = false;
    container.started = undefined;
    for (const exec of container.execs) exec.process.end(128 + SIGKILL);
    container.exit = exit;
    container.log.close();
    container.streams.close();
    container.streams = new FakeStreams(container.spec, this.#fan);
    if (this.#host.containers.has(id)) this.#host.listener?.(exit);
  }
}

function running(id: ContainerId, { process }: FakeContainer): FakeProcess {
  if (process === undefined) throw new EngineError('wrong-state', notRunningMessage(id));
  return process;
}

/** Where a process of a container runs, and as whom. */
function contextOf(
  { hostname }: ContainerDetails,
  { env, workingDir, user }: Pick<ContainerDetails, 'env' | 'workingDir' | 'user'>,
): Omit<ProcessContext, 'size'> {
  const variables = env.map((entry): [string, string] => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]);
  return { env: new Map(variables), workingDir, hostname, uid: Number.parseInt(user, 10) || 0 };
}

function detailsOf(id: ContainerId, spec: ContainerSpec, imageId: string, imageCommand: readonly string[] | null): ContainerDetails {
  const command = spec.command ?? (spec.entrypoint === null ? imageCommand : null);
  const [path, ...args] = [...(spec.entrypoint ?? []), ...(command ?? [])];
  if (path === undefined)
    throw new EngineError('engine-failed', `no command specified: neither the request nor image ${spec.image.reference} says what to run`);
  return {
    imageId,
    path,
    args,
    entrypoint: spec.entrypoint,
    command,
    env: spec.env,
    labels: spec.labels,
    workingDir: spec.workingDir || '/',
    user: spec.user,
    hostname: spec.hostname || shortId(id),
    stopSignal: spec.stopSignal || 'SIGTERM',
    logPath: `/fake/${id}.log`,
    runtime: 'fake',
    maskedPaths: spec.extras?.maskedPaths ?? [],
    readonlyPaths: spec.extras?.readonlyPaths ?? [],
  };
}
