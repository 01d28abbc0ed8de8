import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  add,
  type Command,
  type ErrorCode,
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
} from '../core/model/index.ts';
import { ImageError } from '../engine/port.ts';
import { type PeerRequest, type PeerResponse, PeerUnreachable } from '../transport/port.ts';
import { type Backend, LeaveRefused, type Tokens } from './backend.ts';
import { type Api, createApi } from './create-api.ts';
import { FakeAccess } from './fake-access.test-helper.ts';
import { FakeAgreement } from './fake-agreement.test-helper.ts';
import { FakeContainers } from './fake-containers.test-helper.ts';
import { FakeImages } from './fake-images.test-helper.ts';
import { type FakeAgreedNetworks, FakeNetworks } from './fake-networks.test-helper.ts';
import { FakePeers } from './fake-peers.test-helper.ts';
import { failed } from './fake-records.test-helper.ts';
import { FakeTokens } from './fake-tokens.test-helper.ts';
import { FakeVolumes } from './fake-volumes.test-helper.ts';
import type { ImageExchange } from './image-exchange.ts';

const CAPACITY: Resources = { cpuMillicores: 2_000, memoryBytes: 1024 * 1024 * 1024 };

/** What the nodes of one instance have in common. */
export interface Surroundings {
  readonly nodes: readonly FakeNode[];
  /** Further members that are alive and give no answer. */
  readonly crowd: number;
  /** Whether look-ups say that they tell all; what they tell of is what the nodes have. */
  readonly directoryIsWhole: boolean;
  readonly agreed: FakeAgreedNetworks;
  readonly agreedVolumes: Map<string, NodeId>;
  /** For sockets. */
  readonly directory: string;
}

/** A daemon without a core: `run` places on `placeOn`, containers do what the test tells them to. */
export class FakeNode extends FakeContainers implements Backend {
  readonly version = '0.1.0';
  readonly name: string;
  readonly id: NodeId;
  readonly api: Api;
  readonly socketPath: string;
  readonly commands: Command[] = [];
  readonly images = new FakeImages();
  readonly exchange: ImageExchange = {
    pull: (reference, options) => this.images.pull(reference, options),
    bring: async ({ digest }) => {
      const image = this.#instance.nodes.flatMap(({ images }) => images.stored).find((each) => each.digest === digest);
      if (image === undefined) throw new ImageError('not-found', `no node has ${digest}`);
      this.images.stored.push(image);
    },
  };
  readonly tokens: Tokens = new FakeTokens();
  readonly networks: FakeNetworks;
  readonly agreement = new FakeAgreement();
  readonly access: FakeAccess;
  readonly volumes: FakeVolumes;
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

  readonly #instance: Surroundings;
  readonly #peers = new FakePeers();
  readonly #number: number;

  static async create(instance: Surroundings, name: string, number: number): Promise<FakeNode> {
    const node = new FakeNode(instance, name, number);
    (node as { api: Api }).api = await createApi(node);
    await node.api.listen(node.socketPath);
    await node.#peers.listen(node.#peerPath, node.api);
    return node;
  }

  private constructor(instance: Surroundings, name: string, number: number) {
    super();
    this.#instance = instance;
    this.name = name;
    this.#number = number;
    this.id = nodeId(String(number).repeat(32).slice(0, 32));
    this.socketPath = join(instance.directory, `${name}.sock`);
    this.networks = new FakeNetworks(instance.agreed, this);
    this.access = new FakeAccess((id) => this.container(id));
    this.volumes = new FakeVolumes(this.id, instance.agreedVolumes);
    this.api = undefined as unknown as Api;
  }

  get #peerPath(): string {
    return join(this.#instance.directory, `${this.name}.peer`);
  }

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
      runDir: '/run/caravela',
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
      default:
        return 'containerId' in command ? this.obey(command) : { ok: true, kind: 'done' };
    }
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
    return this.#peers.exchange(target.#peerPath, request, () => target.isClosed);
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

  log(): void {}

  async close(): Promise<void> {
    this.isClosed = true;
    this.#peers.cut();
    await this.api.close();
    await this.#peers.close();
  }

  async #run(request: Request): Promise<Result> {
    await this.runGate;
    const supplier = this.placeOn ?? this;
    const placement = this.#placement(request, supplier);
    supplier.record(request, this.id, JSON.stringify(placement));
    return { ok: true, kind: 'placed', containerId: request.containerId, supplier: supplier.id, placement };
  }

  /** Each on the next node, whatever its group says. */
  async #runStack(stack: Stack, dry: boolean): Promise<Result> {
    await this.runGate;
    const parts = stack.parts.map(({ request }, i) => {
      const supplier = this.#instance.nodes[i % this.#instance.nodes.length] ?? this;
      const placement = this.#placement(request, supplier);
      if (!dry) supplier.record(request, this.id, JSON.stringify(placement));
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
}
