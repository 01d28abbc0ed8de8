import { type ContainerId, shortId, type TaskId } from '../../core/model/index.ts';
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
  ImageError,
  type LogEntry,
  type LogOptions,
  type Recovered,
  type StartedTask,
  type TaskFiles,
  type TaskPlace,
  type TerminalSize,
} from '../port.ts';
import { signalNumber } from '../signals.ts';
import { FakeImages, fakeImage } from './fake-images.ts';
import { FakeLog } from './fake-log.ts';
import { FakeProcess } from './fake-process.ts';
import { FakeStreams } from './fake-streams.ts';
import { canPlay } from './script.ts';

interface FakeContainer {
  readonly spec: ContainerSpec;
  readonly details: ContainerDetails;
  readonly log: FakeLog;
  /** Of the running task, or the next. */
  streams: FakeStreams;
  size: TerminalSize;
  process: FakeProcess | undefined;
  started: (StartedTask & { readonly taskId: TaskId }) | undefined;
  exit: Exit | undefined;
  /** What the newest task was given, and since. */
  place: TaskPlace | undefined;
}

/** What survives a FakeEngine: containers run on while no engine is open. */
export class FakeHost {
  readonly images = new FakeImages();
  readonly containers = new Map<ContainerId, FakeContainer>();
  /** Hears of exits; the engine that is open. */
  listener: ((exit: Exit) => void) | undefined;
  nextPid = 1_000;

  constructor() {
    this.images.publish(fakeImage());
    this.images.add(fakeImage());
  }
}

/** An engine in memory: commands that busybox would run are played (fake-process), output is kept, time is real. */
export class FakeEngine implements Engine {
  readonly images: FakeImages;
  readonly description = { name: 'fake', version: '1', cgroupVersion: 2, seccomp: false } as const;
  readonly #host: FakeHost;
  readonly #fan: FanOptions;
  readonly #listeners: ((exit: Exit) => void)[] = [];

  constructor(host: FakeHost = new FakeHost(), fan: FanOptions = FAN) {
    this.#host = host;
    this.#fan = fan;
    this.images = host.images;
  }

  async recover(known: (id: ContainerId) => boolean): Promise<readonly Recovered[]> {
    this.#host.listener = (exit) => {
      for (const listener of this.#listeners) listener(exit);
    };
    const found: Recovered[] = [];
    for (const [containerId, { started, exit }] of this.#host.containers) {
      if (!known(containerId)) await this.remove(containerId);
      else if (started !== undefined) found.push({ containerId, state: 'running', ...started });
      else if (exit !== undefined) found.push({ containerId, state: 'exited', exit });
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
    const details = detailsOf(id, named, image?.id ?? '', (image?.config['Cmd'] ?? null) as string[] | null);
    this.#host.containers.set(id, {
      spec,
      details,
      log: new FakeLog(),
      streams: new FakeStreams(spec, this.#fan),
      size: spec.terminalSize ?? { rows: 24, columns: 80 },
      process: undefined,
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
    const env = new Map(details.env.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
    const context = {
      env,
      workingDir: details.workingDir,
      hostname: details.hostname,
      uid: Number.parseInt(details.user, 10) || 0,
      size: () => container.size,
    };
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
    return task;
  }

  async place(id: ContainerId, files: TaskFiles): Promise<void> {
    const container = this.#held(id);
    const { started, place } = container;
    if (started === undefined || place === undefined) return;
    container.place = { ...place, resolvConf: files.resolvConf ?? place.resolvConf, hosts: files.hosts ?? place.hosts };
  }

  async kill(id: ContainerId, signal: string): Promise<void> {
    const number = numberOf(signal);
    const { process } = this.#held(id);
    if (process === undefined) throw new EngineError('wrong-state', `container ${shortId(id)} is not running`);
    process.signal(number);
  }

  async stop(id: ContainerId, signal: string, timeoutMs: number): Promise<void> {
    const container = this.#held(id);
    const { process } = container;
    if (process === undefined) return;
    const gone = container.log.closed();
    const timer = setTimeout(() => process.end(137), timeoutMs);
    process.signal(numberOf(signal || container.details.stopSignal));
    await gone;
    clearTimeout(timer);
  }

  async remove(id: ContainerId): Promise<void> {
    const container = this.#host.containers.get(id);
    container?.process?.end(137);
    container?.streams.close();
    this.#host.containers.delete(id);
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
    if (container.process === undefined) throw new EngineError('wrong-state', `container ${shortId(id)} is not running`);
    if (container.spec.tty) container.size = size;
  }

  async details(id: ContainerId): Promise<ContainerDetails> {
    return this.#held(id).details;
  }

  onExit(listener: (exit: Exit) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.#host.listener = undefined;
    for (const { streams } of this.#host.containers.values()) streams.leaveAll();
  }

  #held(id: ContainerId): FakeContainer {
    const container = this.#host.containers.get(id);
    if (container === undefined) throw new EngineError('no-such-container', `this node's engine has no container ${shortId(id)}`);
    return container;
  }

  #ended(id: ContainerId, container: FakeContainer, exit: Exit): void {
    container.process = undefined;
    container.started = undefined;
    container.exit = exit;
    container.log.close();
    container.streams.close();
    container.streams = new FakeStreams(container.spec, this.#fan);
    if (this.#host.containers.has(id)) this.#host.listener?.(exit);
  }
}

function numberOf(signal: string): number {
  const number = signalNumber(signal);
  if (number === undefined) throw new EngineError('engine-failed', `invalid signal ${JSON.stringify(signal)}: see signal(7) for the names`);
  return number;
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
  };
}
