/**
 * An instance in one process, in virtual time, for tests of the core: nodes with in-memory hosts and a
 * network that loses, repeats and delays. Every message passes the wire form. After each event it checks
 * that nobody is oversold and no container is on two nodes.
 */
import { assert } from '../../lib/assert.ts';
import { Heap } from '../../lib/heap.ts';
import { Prng } from '../../lib/prng.ts';
import { MIB, containerId, fits, nodeId, requestId } from '../model/index.ts';
import type {
  Command,
  CommandId,
  Event,
  MemberRecord,
  Message,
  NodeId,
  Observation,
  Request,
  Resources,
  Result,
  Timer,
  Turn,
} from '../model/index.ts';
import { decode, encode } from '../wire/index.ts';
import { Node } from './node.ts';
import { TestHost } from './test-host.ts';

export interface TestNode {
  readonly record: Omit<MemberRecord, 'incarnation'>;
  readonly host: TestHost;
  node: Node;
  up: boolean;
  /** Which life of the node an input is for. */
  life: number;
}

interface Due {
  readonly atMs: number;
  readonly order: number;
  run(): void;
}

export class TestInstance {
  readonly random: Prng;
  readonly nodes: TestNode[] = [];
  readonly events: Event[] = [];
  readonly results = new Map<CommandId, Result[]>();
  readonly sent = new Map<Message['kind'], number>();
  loss = 0;
  duplicates = 0;
  latencyMs: readonly [number, number] = [1, 3];
  /** Drops what it returns true for. */
  drop: (from: NodeId, to: NodeId, message: Message) => boolean = () => false;
  nowMs = 0;
  readonly #queue = new Heap<Due>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
  #order = 0;
  #command = 0;
  #requests = 0;

  constructor(seed: number) {
    this.random = new Prng(seed);
  }

  /** Adds a node that knows those before it, and starts it. */
  add(capacity: Resources, change: Partial<MemberRecord> = {}): TestNode {
    const name = `node-${this.nodes.length + 1}`;
    const record: Omit<MemberRecord, 'incarnation'> = {
      id: nodeId(this.random.hex(16)),
      name,
      number: this.nodes.length + 1,
      address: { ip: `10.0.0.${this.nodes.length + 1}`, controlPort: 8001, gossipPort: 8000 },
      class: 'low',
      arch: 'amd64',
      labels: {},
      capacity,
      underlayMtu: 1500,
      version: '0.1.0',
      draining: false,
      ...change,
    };
    const host = new TestHost();
    host.members = this.nodes.map((other) => ({ ...other.record, incarnation: 1 }));
    const node: TestNode = { record, host, node: new Node({ self: record, profile: 'lan' }, host.kept()), up: true, life: 0 };
    this.nodes.push(node);
    this.#input(node, (turn) => node.node.start(turn));
    return node;
  }

  /** Runs until `afterMs` of virtual time have passed. */
  run(afterMs: number): void {
    const untilMs = this.nowMs + afterMs;
    for (let due = this.#queue.peek(); due !== undefined && due.atMs <= untilMs; due = this.#queue.peek()) {
      this.#queue.pop();
      this.nowMs = due.atMs;
      due.run();
      this.#check();
    }
    this.nowMs = untilMs;
  }

  command(node: TestNode, command: Command): CommandId {
    const id = ++this.#command as CommandId;
    this.#input(node, (turn) => node.node.command(turn, id, command));
    return id;
  }

  /** Gives the command and runs until it is answered. */
  ask(node: TestNode, command: Command, withinMs = 60_000): Result {
    const id = this.command(node, command);
    for (let waitedMs = 0; waitedMs < withinMs && !this.results.has(id); waitedMs += 10) this.run(10);
    return this.result(id);
  }

  result(id: CommandId): Result {
    const [result, second] = this.results.get(id) ?? [];
    assert(result !== undefined, `command ${id} was not answered`);
    assert(second === undefined, `command ${id} was answered twice`);
    return result;
  }

  /** A request as the API would make it. */
  request(resources: Resources, change: Partial<Request> = {}): Request {
    return {
      id: requestId(this.random.hex(16)),
      containerId: containerId(this.random.hex(32)),
      name: `web-${++this.#requests}`,
      resources,
      class: 'low',
      arches: [],
      constraints: [],
      affinities: [],
      hostPorts: [],
      vnis: [],
      labels: {},
      image: '',
      policy: 'binpack',
      restart: { name: 'no', maximumRetries: 0 },
      autoRemove: false,
      stopSignal: 'TERM',
      stopTimeoutMs: 1_000,
      spec: '{"image":"busybox"}',
      ...change,
    };
  }

  /** Puts a message in a node's hands, as if the network had kept it that long. */
  deliver(from: NodeId, to: TestNode, message: Message): void {
    this.#input(to, (turn) => to.node.receive(turn, from, decode(encode(message))));
  }

  exit(node: TestNode, id: Request['containerId'], exitCode: number): void {
    node.host.exit(id, exitCode, this.#wallMs(), (seen) => this.#observe(node, seen));
  }

  /** The daemon stops; with `reboot`, its containers end with the host. */
  crash(node: TestNode, options: { readonly reboot: boolean } = { reboot: false }): void {
    node.up = false;
    node.life++;
    if (options.reboot) node.host.running.clear();
  }

  restart(node: TestNode, change: Partial<MemberRecord> = {}): void {
    const kept = node.host.kept();
    node.up = true;
    node.node = new Node({ self: { ...node.record, ...change }, profile: 'lan' }, kept);
    this.#input(node, (turn) => node.node.start(turn));
  }

  byId(id: NodeId): TestNode {
    const node = this.nodes.find((node) => node.record.id === id);
    assert(node !== undefined, `no node ${id}`);
    return node;
  }

  #input(node: TestNode, input: (turn: Turn) => void): void {
    input(this.#turn(node));
  }

  #turn(node: TestNode): Turn {
    const { life } = node;
    const later = (afterMs: number, then: () => void): void => this.#later(afterMs, () => (node.life === life ? then() : undefined));
    return {
      nowMs: this.nowMs,
      wallMs: this.#wallMs(),
      random: this.random,
      send: (to, message) => this.#send(node, to, message),
      setTimer: (timer: Timer, afterMs: number) => later(afterMs, () => this.#input(node, (turn) => node.node.timer(turn, timer))),
      perform: (order) =>
        later(node.host.delayOf(order), () => {
          const answer = node.host.perform(order, this.#wallMs(), (seen) => this.#observe(node, seen));
          this.#input(node, (turn) => node.node.answer(turn, order.id, answer));
        }),
      reply: (id, result) => this.results.set(id, [...(this.results.get(id) ?? []), result]),
      emit: (event) => this.events.push(event),
    };
  }

  #send(from: TestNode, to: NodeId, message: Message): void {
    this.sent.set(message.kind, (this.sent.get(message.kind) ?? 0) + 1);
    const target = this.nodes.find((node) => node.record.id === to);
    if (target === undefined || this.drop(from.record.id, to, message)) return;
    const bytes = encode(message);
    const copies = this.random.chance(this.loss) ? 0 : this.random.chance(this.duplicates) ? 2 : 1;
    const [least, most] = this.latencyMs;
    for (let i = 0; i < copies; i++) {
      this.#later(least + this.random.float() * (most - least), () => {
        if (target.up) this.#input(target, (turn) => target.node.receive(turn, from.record.id, decode(bytes)));
      });
    }
  }

  #observe(node: TestNode, seen: Observation): void {
    const { life } = node;
    this.#later(1, () => {
      if (node.life === life && node.up) this.#input(node, (turn) => node.node.observe(turn, seen));
      else node.host.exits.push(seen);
    });
  }

  #later(afterMs: number, run: () => void): void {
    this.#queue.push({ atMs: this.nowMs + afterMs, order: this.#order++, run });
  }

  #wallMs(): number {
    return 1_790_000_000_000 + this.nowMs;
  }

  #check(): void {
    const owners = new Set<string>();
    for (const { node, host, up, record } of this.nodes) {
      if (up) {
        const { held, capacity } = node.resources();
        assert(fits(held, capacity), `${record.name} is oversold: ${JSON.stringify(held)} of ${JSON.stringify(capacity)}`);
      }
      for (const id of host.containers.keys()) {
        assert(!owners.has(id), `container ${id} is on two nodes`);
        owners.add(id);
      }
    }
  }
}

export const room = (cpus: number, mebibytes: number): Resources => ({ cpuMillicores: cpus * 1000, memoryBytes: mebibytes * MIB });
