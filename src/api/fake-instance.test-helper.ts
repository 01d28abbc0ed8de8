import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectSession, createServer, type ClientHttp2Session, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline, Readable, Transform } from 'node:stream';
import {
  add,
  type Command,
  type Container,
  containerId,
  type ContainerId,
  type CoreError,
  type ErrorCode,
  type Event,
  type Member,
  type NameHolder,
  NO_RESOURCES,
  nodeId,
  type NodeId,
  type Placement,
  type Request,
  type Resources,
  type Result,
  type Stack,
  subtract,
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
  type ImageDetails,
  ImageError,
  type ImageStore,
  type LogEntry,
  type LogOptions,
  type TerminalSize,
} from '../engine/port.ts';
import { onTestFinished } from 'vitest';
import { type PeerRequest, type PeerResponse, PeerUnreachable } from '../transport/port.ts';
import { type Backend, LeaveRefused, type TokenRecord, type Tokens } from './backend.ts';
import { type Api, createApi } from './create-api.ts';
import { FakeAgreement } from './fake-agreement.test-helper.ts';
import { FakeAgreedNetworks, FakeNetworks } from './fake-networks.test-helper.ts';

const CAPACITY: Resources = { cpuMillicores: 2_000, memoryBytes: 1024 * 1024 * 1024 };

/** Nodes in one process that know each other: real servers and real HTTP/2 between them, pretended containers. */
export class FakeInstance {
  readonly nodes: FakeNode[] = [];
  /** Further members that are alive and give no answer. */
  crowd = 0;
  /** Whether look-ups say that they tell all; what they tell of is what the nodes have. */
  directoryIsWhole = true;
  readonly agreed = new FakeAgreedNetworks();
  readonly directory = mkdtempSync(join(tmpdir(), 'caravela-api-'));

  /** Closes itself when the test that made it has ended. */
  static async of(...names: string[]): Promise<FakeInstance> {
    const instance = new FakeInstance();
    onTestFinished(() => instance.close());
    for (const name of names) instance.nodes.push(await FakeNode.create(instance, name, instance.nodes.length + 1));
    return instance;
  }

  node(name: string): FakeNode {
    const found = this.nodes.find((n) => n.name === name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  }

  async close(): Promise<void> {
    for (const node of this.nodes) await node.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A daemon without a core: `run` places on `placeOn`, containers do what the test tells them to. */
export class FakeNode implements Backend {
  readonly version = '0.1.0';
  readonly name: string;
  readonly id: NodeId;
  readonly api: Api;
  readonly socketPath: string;
  readonly commands: Command[] = [];
  readonly images: FakeImages;
  readonly tokens: Tokens = new FakeTokens();
  readonly networks: FakeNetworks;
  readonly agreement = new FakeAgreement();
  left: { readonly force: boolean } | undefined;
  /** Where runs asked of this node go; default here. */
  placeOn: FakeNode | undefined;
  /** What the next command answers instead of doing anything. */
  refuseNext:
    | { readonly code: ErrorCode; readonly message: string; readonly placement?: Placement; readonly holder?: NameHolder }
    | undefined;
  /** Holds runs back until it resolves. */
  runGate: Promise<void> = Promise.resolve();
  isClosed = false;
  /** As others see it: they get no answer before their time-out. */
  isSilent = false;
  state: Member['state'] = 'alive';

  readonly #instance: FakeInstance;
  readonly #containers = new Map<ContainerId, Container>();
  readonly #logs = new Map<ContainerId, FakeLog>();
  readonly #streams = new Map<ContainerId, FakeStreams>();
  /** Sizes given to terminals, as `rows columns`. */
  readonly sizes: string[] = [];
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #sessions = new Map<NodeId, ClientHttp2Session>();
  readonly #number: number;
  readonly #peers = new Set<ServerHttp2Session>();
  #peerServer: Http2Server | undefined;

  static async create(instance: FakeInstance, name: string, number: number): Promise<FakeNode> {
    const node = new FakeNode(instance, name, number);
    (node as { api: Api }).api = await createApi(node);
    await node.api.listen(node.socketPath);
    const server = createServer((request, response) => node.api.routeFromPeer(request, response));
    server.on('session', (session) => node.#peers.add(session));
    await new Promise<void>((resolve) => {
      server.listen(node.#peerPath, resolve);
    });
    node.#peerServer = server;
    return node;
  }

  private constructor(instance: FakeInstance, name: string, number: number) {
    this.#instance = instance;
    this.name = name;
    this.#number = number;
    this.id = nodeId(String(number).repeat(32).slice(0, 32));
    this.socketPath = join(instance.directory, `${name}.sock`);
    this.images = new FakeImages();
    this.networks = new FakeNetworks(instance.agreed, this);
    this.api = undefined as unknown as Api;
  }

  get #peerPath(): string {
    return join(this.#instance.directory, `${this.name}.peer`);
  }

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
    const container = this.#record(
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

  rename(id: ContainerId, to: string): void {
    const from = this.#containers.get(id)?.name ?? '';
    this.#set(id, { name: to });
    this.#emit({ kind: 'container-renamed', containerId: id, from, to, why: 'another has it' });
  }

  write(id: ContainerId, stream: LogEntry['stream'], text: string): void {
    const data = Buffer.from(text);
    this.#log(id).append({ stream, timestamp: '2026-01-02T03:04:05.000000006Z', data });
    void this.#streamsOf(id).put({ stream, data });
  }

  exit(id: ContainerId, exitCode: number): void {
    const task = this.#containers.get(id)?.task;
    if (task === undefined) throw new Error(`${id} was never started`);
    const container = this.#set(id, {
      desired: 'stopped',
      task: { ...task, state: 'exited', exitCode, pid: 0, finishedAtMs: this.wallMs() },
    });
    this.#log(id).end();
    this.#streamsOf(id).close();
    this.#streams.delete(id);
    this.#emit({ kind: 'task-exited', containerId: id, taskId: task.id, exitCode, oomKilled: false, restartAfterMs: undefined });
    if (container.request.autoRemove) this.#forget(id);
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

  get listeners(): number {
    return this.#listeners.size;
  }

  // ---- Backend ----

  instance() {
    const creator = this.#instance.nodes[0]?.id ?? this.id;
    return { instanceId: 'ab'.repeat(16), creator, insecureRegistries: ['10.0.0.1:5000'], open: false };
  }

  host() {
    return {
      kernelVersion: '6.1.0',
      operatingSystem: 'Debian GNU/Linux 12',
      architecture: 'x86_64',
      cpus: 2,
      memoryBytes: 4 * 1024 ** 3,
      dataDir: '/var/lib/caravela',
      startedAtMs: 0,
      engineName: 'runc',
      engineVersion: '1.1',
      cgroupVersion: 1 as const,
      seccomp: true,
    };
  }

  self(): Member {
    return {
      id: this.id,
      name: this.name,
      number: this.#number,
      incarnation: 1,
      address: { ip: `10.0.0.${this.#number}`, controlPort: 8001, gossipPort: 8000 },
      class: 'low',
      arch: 'amd64',
      labels: { zone: `z${this.#number}` },
      capacity: CAPACITY,
      underlayMtu: 1500,
      version: this.version,
      draining: false,
      state: this.state,
    };
  }

  members(): readonly Member[] {
    const crowd = Array.from({ length: this.#instance.crowd }, (_, i): Member => {
      const id = nodeId((1_000 + i).toString(16).padStart(32, 'f'));
      return { ...this.self(), id, name: `crowd-${i}`, state: 'alive' };
    });
    return [...this.#instance.nodes.map((n) => n.self()), ...crowd];
  }

  resources() {
    const held = this.containers().reduce((sum, c) => (c.holding ? add(sum, c.request.resources) : sum), NO_RESOURCES);
    return { capacity: CAPACITY, held, free: subtract(CAPACITY, held), holds: 0 };
  }

  containers(): readonly Container[] {
    return [...this.#containers.values()];
  }

  container(id: ContainerId): Container | undefined {
    return this.#containers.get(id);
  }

  async details(id: ContainerId): Promise<ContainerDetails> {
    const container = this.#containers.get(id);
    if (container === undefined) throw new Error(`no container ${id}`);
    const spec = JSON.parse(container.request.spec) as ContainerSpec;
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

  async command(command: Command): Promise<Result> {
    this.commands.push(command);
    const refused = this.refuseNext;
    if (refused !== undefined) {
      this.refuseNext = undefined;
      const { code, message: text, ...rest } = refused;
      return { ...failed(code, text), ...rest };
    }
    switch (command.kind) {
      case 'look-up': {
        const { key } = command;
        const entries = this.#instance.nodes.flatMap((node) =>
          node
            .containers()
            .filter((c) => (key.kind === 'name' ? c.name === key.name : key.kind === 'id' && c.request.containerId.startsWith(key.prefix)))
            .map((c) => ({ containerId: c.request.containerId, name: c.name, node: node.id, value: '' })),
        );
        return { ok: true, kind: 'found', entries, complete: this.#instance.directoryIsWhole };
      }
      case 'run':
        return this.#run(command.request);
      case 'run-stack':
      case 'plan':
        return this.#runStack(command.stack, command.kind === 'plan');
      case 'start':
        return this.#start(command.containerId);
      case 'stop':
      case 'kill': {
        const task = this.#containers.get(command.containerId)?.task;
        if (task?.state !== 'running') return failed('wrong-state', 'it does not run');
        queueMicrotask(() => this.exit(command.containerId, 137));
        return { ok: true, kind: 'done' };
      }
      case 'remove': {
        const running = this.#containers.get(command.containerId)?.task?.state === 'running';
        if (running && !command.force) return failed('wrong-state', 'it runs');
        if (running) this.exit(command.containerId, 137);
        this.#forget(command.containerId);
        return { ok: true, kind: 'done' };
      }
      default:
        return { ok: true, kind: 'done' };
    }
  }

  subscribe(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async request(peer: NodeId, request: PeerRequest): Promise<PeerResponse> {
    const target = this.#instance.nodes.find((n) => n.id === peer);
    if (target === undefined || target.state === 'dead') throw new PeerUnreachable(peer, 'connection refused');
    if (target.isSilent) {
      await new Promise((resolve) => {
        setTimeout(resolve, request.timeoutMs);
        request.signal?.addEventListener('abort', resolve);
      });
      throw new PeerUnreachable(peer, 'no answer in time');
    }
    return exchange(this.#session(target), request, () => target.isClosed);
  }

  offers() {
    return [];
  }

  hints() {
    return [];
  }

  async leave(options: { readonly force: boolean }): Promise<void> {
    const running = this.containers().length;
    if (running > 0 && !options.force) throw new LeaveRefused(`${running} containers are on this node`);
    this.left = options;
  }

  async describe(): Promise<void> {}

  randomHex(bytes: number): string {
    return randomBytes(bytes).toString('hex');
  }

  wallMs(): number {
    return Date.now();
  }

  log(): void {}

  async close(): Promise<void> {
    this.isClosed = true;
    for (const session of [...this.#sessions.values(), ...this.#peers]) session.destroy();
    await this.api.close();
    const server = this.#peerServer;
    this.#peerServer = undefined;
    await new Promise<void>((resolve) => {
      if (server === undefined) resolve();
      else server.close(() => resolve());
    });
  }

  // ---- what it pretends ----

  async #run(request: Request): Promise<Result> {
    await this.runGate;
    const supplier = this.placeOn ?? this;
    const placement = this.#placement(request, supplier);
    supplier.#record(request, this.id, JSON.stringify(placement));
    return { ok: true, kind: 'placed', containerId: request.containerId, supplier: supplier.id, placement };
  }

  /** Each on the next node, whatever its group says. */
  async #runStack(stack: Stack, dry: boolean): Promise<Result> {
    await this.runGate;
    const parts = stack.parts.map(({ request }, i) => {
      const supplier = this.#instance.nodes[i % this.#instance.nodes.length] ?? this;
      const placement = this.#placement(request, supplier);
      if (!dry) supplier.#record(request, this.id, JSON.stringify(placement));
      return { containerId: request.containerId, supplier: supplier.id, placement };
    });
    return { ok: true, kind: dry ? 'planned' : 'stack-placed', parts };
  }

  #placement(request: Request, supplier: FakeNode): Placement {
    return {
      requestId: request.id,
      wanted: request.resources,
      policy: request.policy,
      buyer: this.id,
      supplier: supplier.id,
      attempts: 1,
      by: 'direct',
      tookMs: 3,
      considered: [{ nodeId: supplier.id, name: supplier.name, accepted: true, reason: undefined, detail: '', free: CAPACITY, score: 1 }],
    };
  }

  #start(id: ContainerId): Result {
    const container = this.#containers.get(id);
    if (container === undefined) return failed('no-such-container', `No such container: ${id}`);
    if (container.task?.state === 'running') return failed('wrong-state', 'it runs');
    const [word] = (JSON.parse(container.request.spec) as ContainerSpec).command ?? [];
    const number = container.taskNumber + 1;
    const task: Task = { ...TASK, id: taskId(id, number), state: 'running', pid: 4711, startedAtMs: this.wallMs() };
    if (word === 'nosuch') {
      const error = `runc create failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown`;
      this.#set(id, { taskNumber: number, task: { ...task, state: 'failed', startedAtMs: 0, pid: 0, error } });
      this.#emit({ kind: 'task-failed', containerId: id, taskId: task.id, error });
      if (container.request.autoRemove) this.#forget(id);
      return failed('engine-failed', error);
    }
    this.#set(id, { desired: 'running', holding: true, taskNumber: number, task });
    this.#log(id).reopen();
    this.#emit({ kind: 'task-started', containerId: id, taskId: task.id });
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

  #record(request: Request, buyer: NodeId, placement = ''): Container {
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
    this.#emit({ kind: 'container-created', containerId: request.containerId, name: request.name, resources: request.resources });
    return container;
  }

  #forget(id: ContainerId): void {
    const name = this.#containers.get(id)?.name ?? '';
    this.#containers.delete(id);
    this.#log(id).end();
    this.#streams.get(id)?.close();
    this.#streams.delete(id);
    this.#emit({ kind: 'container-removed', containerId: id, name });
  }

  #set(id: ContainerId, change: Partial<Container>): Container {
    const container = this.#containers.get(id);
    if (container === undefined) throw new Error(`no container ${id}`);
    const changed = { ...container, ...change };
    this.#containers.set(id, changed);
    return changed;
  }

  #emit(event: Event): void {
    for (const listener of this.#listeners) listener(event);
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

  #session(target: FakeNode): ClientHttp2Session {
    const known = this.#sessions.get(target.id);
    if (known !== undefined && !known.destroyed) return known;
    const session = connectSession('http://peer', { createConnection: () => connectSocket(target.#peerPath) });
    session.on('error', () => undefined);
    this.#sessions.set(target.id, session);
    return session;
  }
}

function exchange(session: ClientHttp2Session, request: PeerRequest, isCutOff: () => boolean): Promise<PeerResponse> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': request.method, ':path': request.path, ...request.headers });
    stream.on('error', reject);
    request.signal?.addEventListener('abort', () => stream.destroy(), { once: true });
    stream.on('close', () => reject(new PeerUnreachable('' as NodeId, 'closed')));
    stream.on('response', (headers) => {
      // As the transport promises: a body that was cut off does not end like a whole one.
      const check = new Transform({
        transform: (chunk, _encoding, done) => done(null, chunk),
        flush: (done) => done(isCutOff() ? new PeerUnreachable('' as NodeId, 'cut off') : null),
      });
      resolve({ status: Number(headers[':status']), headers, body: pipeline(stream, check, () => undefined) });
    });
    if (request.body instanceof Readable) request.body.pipe(stream);
    else stream.end(request.body);
  });
}

const specOf = (container: Container | undefined): ContainerSpec =>
  container === undefined ? SPEC : (JSON.parse(container.request.spec) as ContainerSpec);

class FakeLog {
  readonly #entries: LogEntry[] = [];
  readonly #wakes = new Set<() => void>();
  #open = true;
  readers = 0;

  append(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#wake();
  }

  end(): void {
    this.#open = false;
    this.#wake();
  }

  reopen(): void {
    this.#open = true;
  }

  async *read(options: LogOptions): AsyncGenerator<LogEntry> {
    this.readers++;
    try {
      let at = options.tail === undefined ? 0 : Math.max(0, this.#entries.length - options.tail);
      while (!options.signal.aborted) {
        const entry = this.#entries[at++];
        if (entry !== undefined) {
          if (options[entry.stream]) yield entry;
          continue;
        }
        at--;
        if (!options.follow || !this.#open) return;
        await new Promise<void>((resolve) => {
          this.#wakes.add(resolve);
          options.signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    } finally {
      this.readers--;
    }
  }

  #wake(): void {
    for (const wake of this.#wakes) wake();
    this.#wakes.clear();
  }
}

export class FakeImages implements ImageStore {
  readonly stored: ImageDetails[] = [];
  readonly pulled: { readonly reference: string; readonly username: string | undefined }[] = [];
  /** Thrown by the next operation. */
  failNext: ImageError | undefined;

  put(reference: string, fill: string, arches: readonly string[] = ['amd64']): ImageDetails {
    const image: ImageDetails = {
      id: `sha256:${fill.repeat(64).slice(0, 64)}`,
      digest: `sha256:${`d${fill}`.repeat(32).slice(0, 64)}`,
      references: [reference],
      createdAtMs: 1_700_000_000_000,
      sizeBytes: 4_000_000,
      labels: { maker: 'us' },
      architecture: 'amd64',
      os: 'linux',
      variant: '',
      author: '',
      layers: [`sha256:${'e'.repeat(64)}`],
      config: { Cmd: ['sh'], StopSignal: 'SIGQUIT' },
      history: [{ created: '2024-01-01T00:00:00Z', created_by: 'ADD file' }],
      arches,
    };
    this.stored.push(image);
    return image;
  }

  async list() {
    return this.stored;
  }

  async inspect(name: string) {
    const tagged = /:[^/]*$/.test(name) ? name : `${name}:latest`;
    return this.stored.find(
      (i) => i.id === name || i.references.some((r) => r === name || r === `docker.io/library/${tagged}` || r === tagged),
    );
  }

  async pull(reference: string, options: Parameters<ImageStore['pull']>[1]) {
    this.#fail();
    this.pulled.push({ reference, username: options.credentials?.username });
    options.onProgress({ status: 'Downloading', id: 'abc', currentBytes: 1, totalBytes: 2 });
    options.onProgress({ status: 'Pull complete', id: 'abc' });
    this.#fail();
    return this.put(reference, 'a');
  }

  async load(archive: Readable) {
    let bytes = 0;
    for await (const chunk of archive as AsyncIterable<Buffer>) bytes += chunk.length;
    return [this.put(`docker.io/library/loaded:${bytes}`, 'b')];
  }

  async fetch() {}

  async remove(name: string) {
    this.#fail();
    const image = await this.inspect(name);
    if (image === undefined) throw new ImageError('not-found', `No such image: ${name}`);
    this.stored.splice(this.stored.indexOf(image), 1);
    return [{ untagged: image.references[0] ?? '' }, { deleted: image.id }];
  }

  async openBlob() {
    return undefined;
  }

  registrySource() {
    return { name: 'registry', open: async () => undefined };
  }

  #fail(): void {
    const error = this.failNext;
    this.failNext = undefined;
    if (error !== undefined) throw error;
  }
}

class FakeTokens implements Tokens {
  readonly #records: TokenRecord[] = [];

  async create(options: { readonly ttlMs: number; readonly singleUse: boolean }) {
    const record = { id: 'a1b2c3d4e5f6', createdAtMs: 1, expiresAtMs: 1 + options.ttlMs, singleUse: options.singleUse, used: false };
    this.#records.push(record);
    return { ...record, token: 'CVL1-secret' };
  }

  async list() {
    return this.#records;
  }

  async remove(id: string) {
    const at = this.#records.findIndex((r) => r.id === id);
    if (at >= 0) this.#records.splice(at, 1);
    return at >= 0;
  }
}

const failed = (code: CoreError['code'], message: string): { readonly ok: false; readonly error: CoreError } => ({
  ok: false,
  error: { code, message, changed: false },
});

const TASK: Omit<Task, 'id'> = { state: 'pending', startedAtMs: 0, finishedAtMs: 0, exitCode: 0, oomKilled: false, error: '', pid: 0 };

const SPEC: ContainerSpec = {
  name: '',
  image: { reference: 'docker.io/library/busybox:latest', digest: `sha256:${'1'.repeat(64)}` },
  entrypoint: null,
  command: ['sleep', '60'],
  env: [],
  labels: {},
  workingDir: '',
  user: '',
  hostname: '',
  tty: false,
  openStdin: false,
  stdinOnce: false,
  stopSignal: '',
  stopTimeoutSeconds: 0,
  nanoCpus: 0,
  memoryBytes: 0,
  pidsLimit: 0,
  networkMode: 'none',
  networks: [],
  networkOf: '',
  ports: [],
  dns: { servers: [], search: [], options: [] },
  extraHosts: [],
  readonlyRootfs: false,
  capAdd: [],
  capDrop: [],
  init: false,
};

const REQUEST: Omit<Request, 'id' | 'containerId' | 'name' | 'spec'> = {
  resources: { cpuMillicores: 100, memoryBytes: 64 * 1024 * 1024 },
  class: 'low',
  arches: ['amd64'],
  constraints: [],
  affinities: [],
  labels: {},
  image: '',
  hostPorts: [],
  vnis: [],
  policy: 'binpack',
  restart: { name: 'no', maximumRetries: 0 },
  autoRemove: false,
  stopSignal: '',
  stopTimeoutMs: 10_000,
};
