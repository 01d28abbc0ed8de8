import { randomBytes } from 'node:crypto';
import {
  type Command,
  type Container,
  containerId,
  type ContainerId,
  type Event,
  type NodeId,
  type Request,
  type Result,
  type Task,
  taskId,
} from '../core/model/index.ts';
import { FakeStreams } from '../engine/fake/fake-streams.ts';
import { FAN } from '../engine/output-fan.ts';
import {
  type AttachedStreams,
  type AttachOptions,
  type ContainerDetails,
  type ContainerSpec,
  EngineError,
  type HealthChange,
  type LogEntry,
  type LogOptions,
  type TerminalSize,
} from '../engine/port.ts';
import { FakeLog } from './fake-log.test-helper.ts';
import { failed, REQUEST, SPEC, specOf, TASK } from './fake-records.test-helper.ts';

/** One node's containers without an engine: they do what the test tells them to. */
export abstract class FakeContainers {
  abstract readonly id: NodeId;
  /** Sizes given to terminals, as `rows columns`. */
  readonly sizes: string[] = [];
  /** What is told to end does not until `exit`. */
  lingering = false;
  readonly #containers = new Map<ContainerId, Container>();
  readonly #logs = new Map<ContainerId, FakeLog>();
  readonly #streams = new Map<ContainerId, FakeStreams>();
  readonly #listeners = new Set<(event: Event) => void>();
  #healthListener: (change: HealthChange) => void = () => undefined;

  /** A container that is simply there. */
  put(
    name: string,
    options: {
      readonly state?: Task['state'];
      readonly spec?: Partial<ContainerSpec>;
      readonly id?: string;
      readonly exitCode?: number;
    } = {},
  ): Container {
    const spec: ContainerSpec = { ...SPEC, name, ...options.spec };
    const id = containerId(options.id ?? randomBytes(32).toString('hex'));
    const container = this.record(
      { ...REQUEST, id: randomBytes(16).toString('hex') as Request['id'], containerId: id, name, spec: JSON.stringify(spec) },
      this.id,
    );
    if (options.state === undefined) return container;
    const ended = options.state === 'exited' || options.state === 'failed';
    return this.#set(id, {
      desired: ended ? 'stopped' : 'running',
      taskNumber: 1,
      task: {
        ...TASK,
        id: taskId(id, 1),
        state: options.state,
        pid: ended ? 0 : 4711,
        startedAtMs: this.wallMs() - 60_000,
        finishedAtMs: ended ? this.wallMs() : 0,
        exitCode: options.exitCode ?? 0,
      },
    });
  }

  rename(id: ContainerId, to: string, why = 'another has it'): void {
    const from = this.#containers.get(id)?.name ?? '';
    this.#set(id, { name: to });
    this.emit({ kind: 'container-renamed', containerId: id, from, to, why });
  }

  write(id: ContainerId, stream: LogEntry['stream'], text: string): void {
    const data = Buffer.from(text);
    const { spec } = this.#containers.get(id)?.request ?? {};
    const isKept = spec === undefined || (JSON.parse(spec) as ContainerSpec).extras?.log?.driver !== 'none';
    if (isKept) this.#log(id).append({ stream, timestamp: '2026-01-02T03:04:05.000000006Z', data });
    void this.#streamsOf(id).put({ stream, data });
  }

  /** @param restartAfterMs its policy starts it again after so long; undefined: it does not */
  exit(id: ContainerId, exitCode: number, restartAfterMs?: number): void {
    const task = this.#containers.get(id)?.task;
    if (task === undefined) throw new Error(`${id} was never started`);
    const container = this.#set(id, {
      desired: restartAfterMs === undefined ? 'stopped' : 'running',
      task: { ...task, state: 'exited', exitCode, pid: 0, paused: false, finishedAtMs: this.wallMs() },
    });
    this.#log(id).end();
    this.#streamsOf(id).close();
    this.#streams.delete(id);
    this.emit({ kind: 'task-exited', containerId: id, taskId: task.id, exitCode, oomKilled: false, restartAfterMs });
    if (container.request.autoRemove) this.forget(id);
  }

  /** From now on readers that are behind are let go. */
  impatient(): void {
    for (const streams of this.#streams.values()) streams.hurry();
  }

  get attached(): number {
    return [...this.#streams.values()].reduce((sum, streams) => sum + streams.readers, 0);
  }

  get openLogs(): number {
    return [...this.#logs.values()].reduce((sum, log) => sum + log.readers, 0);
  }

  /** Beside the one that the server itself has. */
  get listeners(): number {
    return this.#listeners.size - 1;
  }

  // ---- what of it is the Backend's ----

  containers(): readonly Container[] {
    return [...this.#containers.values()];
  }

  container(id: ContainerId): Container | undefined {
    return this.#containers.get(id);
  }

  async details(id: ContainerId): Promise<ContainerDetails> {
    const container = this.#containers.get(id);
    if (container === undefined) throw new Error(`no container ${id}`);
    const spec = specOf(container);
    const command = spec.command ?? ['sh'];
    return {
      imageId: `sha256:${'c0'.repeat(32)}`,
      path: command[0] ?? '',
      args: command.slice(1),
      entrypoint: spec.entrypoint,
      command,
      env: ['PATH=/bin', ...spec.env],
      labels: { 'from.image': 'yes', ...spec.labels },
      workingDir: spec.workingDir || '/',
      user: spec.user,
      hostname: id.slice(0, 12),
      stopSignal: 'SIGTERM',
      logPath: `/var/lib/caravela/${id}/log`,
      runtime: 'runc',
      maskedPaths: spec.extras?.maskedPaths ?? (spec.extras?.privileged === true ? [] : ['/proc/kcore']),
      readonlyPaths: spec.extras?.readonlyPaths ?? (spec.extras?.privileged === true ? [] : ['/proc/sys']),
      places: {
        lowerDirs: ['/layers/top', '/layers/base'],
        upperDir: `/containers/${id}/upper`,
        workDir: `/containers/${id}/work`,
        mergedDir: `/bundles/${id}/rootfs`,
        ...(container.task?.state === 'running'
          ? {
              running: {
                hosts: '/etc-of-it/hosts',
                hostname: '/etc-of-it/hostname',
                resolvConf: '/etc-of-it/resolv.conf',
                netns: '/proc/7/ns/net',
              },
            }
          : {}),
      },
    };
  }

  logs(id: ContainerId, options: LogOptions): AsyncIterable<LogEntry> {
    return this.#log(id).read(options);
  }

  async attach(id: ContainerId, options: AttachOptions): Promise<AttachedStreams> {
    return this.#streamsOf(id).join(options);
  }

  async resize(id: ContainerId, { rows, columns }: TerminalSize): Promise<void> {
    if (this.#containers.get(id)?.task?.state !== 'running') throw new EngineError('wrong-state', 'it does not run');
    this.sizes.push(`${rows} ${columns}`);
  }

  subscribe(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onHealth(listener: (change: HealthChange) => void): void {
    this.#healthListener = listener;
  }

  turn(id: ContainerId, status: HealthChange['status']): void {
    this.#healthListener({ containerId: id, status });
  }

  wallMs(): number {
    return Date.now();
  }

  // ---- what it pretends ----

  /** A command about a container of this node. */
  protected obey(command: Extract<Command, { readonly containerId: ContainerId }>): Result {
    const id = command.containerId;
    const container = this.#containers.get(id);
    if (container === undefined) return failed('no-such-container', `No such container: ${id}`);
    const { task } = container;
    switch (command.kind) {
      case 'start':
        return this.#start(container);
      case 'stop':
      case 'kill':
        if (task?.state !== 'running') return failed('wrong-state', 'it does not run');
        if (!this.lingering) queueMicrotask(() => this.exit(id, 137));
        break;
      case 'remove':
        if (task?.state === 'running' && !command.force) return failed('wrong-state', 'it runs');
        if (task?.state === 'running') this.exit(id, 137);
        this.forget(id);
        break;
      case 'pause':
      case 'unpause': {
        const paused = command.kind === 'pause';
        if (task?.state !== 'running' || (task.paused ?? false) === paused) return failed('wrong-state', `it can't ${command.kind}`);
        this.#set(id, { task: { ...task, paused } });
        this.emit({ kind: paused ? 'task-paused' : 'task-unpaused', containerId: id, taskId: task.id });
        break;
      }
      case 'rename':
        this.rename(id, command.name, 'asked');
        break;
      case 'update': {
        const { resources, restart, spec } = command;
        this.#set(id, { request: { ...container.request, resources, restart, spec } });
        this.emit({ kind: 'container-updated', containerId: id, resources });
        break;
      }
      default:
    }
    return { ok: true, kind: 'done' };
  }

  protected record(request: Request, buyer: NodeId, placement = ''): Container {
    const container: Container = {
      request,
      name: request.name,
      buyer,
      createdAtMs: this.wallMs(),
      readiness: 'ready',
      desired: 'created',
      restartCount: 0,
      task: undefined,
      taskNumber: 0,
      holding: true,
      placement,
    };
    this.#containers.set(request.containerId, container);
    this.emit({ kind: 'container-created', containerId: request.containerId, name: request.name, resources: request.resources });
    this.emit({ kind: 'container-ready', containerId: request.containerId });
    return container;
  }

  protected emit(event: Event): void {
    for (const listener of this.#listeners) listener(event);
  }

  protected forget(id: ContainerId): void {
    const name = this.#containers.get(id)?.name ?? '';
    this.#containers.delete(id);
    this.#log(id).end();
    this.#streams.get(id)?.close();
    this.#streams.delete(id);
    this.emit({ kind: 'container-removed', containerId: id, name });
  }

  #start(container: Container): Result {
    const id = container.request.containerId;
    if (container.task?.state === 'running') return failed('wrong-state', 'it runs');
    const [word] = specOf(container).command ?? [];
    const number = container.taskNumber + 1;
    const task: Task = { ...TASK, id: taskId(id, number), state: 'running', pid: 4711, startedAtMs: this.wallMs() };
    if (word === 'nosuch') {
      const error = `runc create failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown`;
      this.#set(id, { taskNumber: number, task: { ...task, state: 'failed', startedAtMs: 0, pid: 0, error } });
      this.emit({ kind: 'task-failed', containerId: id, taskId: task.id, error });
      if (container.request.autoRemove) this.forget(id);
      return failed('engine-failed', error);
    }
    this.#set(id, { desired: 'running', holding: true, taskNumber: number, task });
    this.#log(id).reopen();
    this.emit({ kind: 'task-started', containerId: id, taskId: task.id });
    if (word === 'cat') void this.#copy(id);
    // Some commands end at once, before anyone could ask.
    if (word === 'echo') {
      this.write(id, 'stdout', 'hello\n');
      this.write(id, 'stderr', 'oops\n');
      this.exit(id, 3);
    }
    return { ok: true, kind: 'done' };
  }

  /** Input to output; ends with the input, where there is any. */
  async #copy(id: ContainerId): Promise<void> {
    const streams = this.#streamsOf(id);
    for (let data = await streams.take(); data !== undefined; data = await streams.take()) await streams.put({ stream: 'stdout', data });
    if (this.#streams.get(id) === streams && specOf(this.#containers.get(id)).openStdin) this.exit(id, 0);
  }

  #set(id: ContainerId, change: Partial<Container>): Container {
    const container = this.#containers.get(id);
    if (container === undefined) throw new Error(`no container ${id}`);
    const changed = { ...container, ...change };
    this.#containers.set(id, changed);
    return changed;
  }

  #streamsOf(id: ContainerId): FakeStreams {
    const streams = this.#streams.get(id) ?? new FakeStreams(specOf(this.#containers.get(id)), FAN);
    this.#streams.set(id, streams);
    return streams;
  }

  #log(id: ContainerId): FakeLog {
    const log = this.#logs.get(id) ?? new FakeLog();
    this.#logs.set(id, log);
    return log;
  }
}
