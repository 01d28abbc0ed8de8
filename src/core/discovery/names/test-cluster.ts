import { assert } from '../../../lib/assert.ts';
import { Heap } from '../../../lib/heap.ts';
import { Prng } from '../../../lib/prng.ts';
import type {
  Container,
  ContainerId,
  Found,
  Member,
  NameHolder,
  NameKey,
  NameMessage,
  NodeId,
  Request,
  Timer,
  Turn,
} from '../../model/index.ts';
import { containerId, nodeId, requestId } from '../../model/index.ts';
import { Ring } from '../../ring/ring.ts';
import { Names } from './names.ts';
import { NAME_TIMES } from './tunables.ts';

interface Due {
  readonly atMs: number;
  readonly order: number;
  run(): void;
}

/** One node's names, its containers, and whom it takes for alive. */
export class NamesNode {
  readonly id: NodeId;
  readonly containers = new Map<ContainerId, Container>();
  readonly members = new Map<NodeId, Member>();
  readonly ring = new Ring();
  readonly renames: string[] = [];
  incarnation = 1;
  life = 0;
  names: Names;

  constructor(id: NodeId) {
    this.id = id;
    this.names = this.make();
  }

  make(): Names {
    return new Names({
      self: this.id,
      ring: this.ring,
      member: (id) => this.members.get(id),
      members: () => [...this.members.values()],
      containers: () => [...this.containers.values()],
      container: (id) => this.containers.get(id),
      rename: (turn, id, to) => {
        const container = this.containers.get(id);
        assert(container !== undefined, `no container ${id}`);
        this.renames.push(`${container.name} to ${to}`);
        this.containers.set(id, { ...container, name: to });
        this.names.changed(turn, id);
      },
      times: NAME_TIMES.sim,
    });
  }
}

/** Names of several nodes in virtual time, without the rest of a node: who is alive, the test says. */
export class NamesCluster {
  readonly random: Prng;
  readonly nodes: NamesNode[] = [];
  nowMs = 0;
  loss = 0;
  duplicates = 0;
  readonly sent: NameMessage['kind'][] = [];
  /** Drops what it returns true for. */
  drop: (from: NodeId, to: NodeId, message: NameMessage) => boolean = () => false;
  /** Keeps on its way what it returns true for, for as long as it does. */
  hold: (from: NodeId, to: NodeId) => boolean = () => false;
  readonly #queue = new Heap<Due>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
  #order = 0;

  constructor(seed: number, nodes: number) {
    this.random = new Prng(seed);
    for (let i = 0; i < nodes; i++) this.nodes.push(new NamesNode(nodeId(this.random.hex(16))));
    for (const node of this.nodes) for (const other of this.nodes) this.#see(node, other, 'alive');
    for (const node of this.nodes) this.input(node, (turn) => node.names.start(turn));
    this.run(10_000);
  }

  at(index: number): NamesNode {
    const node = this.nodes[index];
    assert(node !== undefined, `no node ${index}`);
    return node;
  }

  /** Of the name, as all see it while nobody is away. */
  ownerOf(name: string): NamesNode {
    const id = this.at(0).ring.owner(`name/${name}`);
    const owner = this.nodes.find((node) => node.id === id);
    assert(owner !== undefined, 'nobody owns it');
    return owner;
  }

  run(forMs: number): void {
    const untilMs = this.nowMs + forMs;
    for (let due = this.#queue.peek(); due !== undefined && due.atMs <= untilMs; due = this.#queue.peek()) {
      this.#queue.pop();
      this.nowMs = due.atMs;
      due.run();
    }
    this.nowMs = untilMs;
  }

  input(node: NamesNode, input: (turn: Turn) => void): void {
    const inbox: NameMessage[] = [];
    const turn = this.#turn(node, inbox);
    input(turn);
    for (let message = inbox.shift(); message !== undefined; message = inbox.shift()) node.names.receive(turn, node.id, message);
  }

  /** A container appears, as after a launch. */
  add(node: NamesNode, name: string, change: Partial<Request> = {}): Container {
    const id = containerId(this.random.hex(32));
    const request = { containerId: id, name, labels: {}, image: '', ...change } as Request;
    const container = { request, name, createdAtMs: 1_000_000 + this.nowMs } as Container;
    node.containers.set(container.request.containerId, container);
    this.input(node, (turn) => node.names.changed(turn, container.request.containerId));
    return container;
  }

  remove(node: NamesNode, id: ContainerId): void {
    node.containers.delete(id);
    this.input(node, (turn) => node.names.changed(turn, id));
  }

  /** What a claim comes to, once it has: 'granted' or who has the name. */
  claim(
    node: NamesNode,
    name: string,
  ): { readonly outcome: () => 'granted' | NameHolder | undefined; readonly wish: ReturnType<NamesCluster['wish']> } {
    const wish = this.wish(name);
    let outcome: 'granted' | NameHolder | undefined;
    this.input(node, (turn) =>
      node.names.claims.claim(turn, wish, (_turn, holder) => {
        assert(outcome === undefined, 'a claim was answered twice');
        outcome = holder ?? 'granted';
      }),
    );
    return { outcome: () => outcome, wish };
  }

  wish(name: string) {
    return { requestId: requestId(this.random.hex(16)), containerId: containerId(this.random.hex(32)), name };
  }

  lookUp(node: NamesNode, key: NameKey, withinMs = 1_000): Found {
    let found: Found | undefined;
    this.input(node, (turn) =>
      node.names.lookUp(turn, key, (_turn, answer) => {
        found = answer;
      }),
    );
    this.run(withinMs);
    assert(found !== undefined, 'a look-up was not answered');
    return found;
  }

  /** `node` takes `other` for alive or dead from now on; a dead one that comes back has a higher incarnation. */
  see(node: NamesNode, other: NamesNode, state: Member['state']): void {
    const before = this.#see(node, other, state);
    this.input(node, (turn) => {
      if (state === 'dead' && before?.state !== 'dead') node.names.memberGone(turn, other.id);
      if (state === 'alive' && before?.state === 'alive') node.names.renewed(turn, other.id);
      node.names.ringChanged(turn);
    });
  }

  /** Two sides that take each other for dead, and no longer: each raises its incarnation to say so. */
  part(side: readonly NamesNode[]): void {
    const isCut = (a: NamesNode, b: NamesNode): boolean => side.includes(a) !== side.includes(b);
    this.drop = (from, to) => isCut(this.byId(from), this.byId(to));
    for (const a of this.nodes) for (const b of this.nodes) if (isCut(a, b)) this.see(a, b, 'dead');
  }

  heal(order: readonly NamesNode[] = this.nodes): void {
    this.drop = () => false;
    for (const node of order) {
      node.incarnation++;
      for (const other of this.nodes) this.see(other, node, 'alive');
      this.input(node, (turn) => node.names.raised(turn));
      this.run(this.random.int(3_000));
    }
  }

  /** The daemon dies and comes back with its containers. */
  restart(node: NamesNode, afterMs: number): void {
    node.life++;
    for (const other of this.nodes) if (other !== node) this.see(other, node, 'dead');
    this.run(afterMs);
    node.incarnation++;
    node.names = node.make();
    for (const other of this.nodes) this.see(other, node, 'alive');
    this.input(node, (turn) => node.names.start(turn));
  }

  byId(id: NodeId): NamesNode {
    const node = this.nodes.find((candidate) => candidate.id === id);
    assert(node !== undefined, `no node ${id}`);
    return node;
  }

  #see(node: NamesNode, other: NamesNode, state: Member['state']): Member | undefined {
    const before = node.members.get(other.id);
    node.members.set(other.id, {
      id: other.id,
      name: `node-${this.nodes.indexOf(other)}`,
      incarnation: other.incarnation,
      state,
    } as Member);
    if (state === 'alive') node.ring.add(other.id);
    else node.ring.remove(other.id);
    return before;
  }

  #turn(node: NamesNode, inbox: NameMessage[]): Turn {
    const { life } = node;
    return {
      nowMs: this.nowMs,
      wallMs: 1_000_000 + this.nowMs,
      random: this.random,
      send: (to, message) => {
        if (to === node.id) inbox.push(message as NameMessage);
        else this.#send(node.id, to, message as NameMessage);
      },
      setTimer: (timer: Timer, afterMs) =>
        this.#later(afterMs, () => {
          if (node.life === life) this.input(node, (turn) => node.names.timer(turn, timer));
        }),
      perform: () => assert(false, 'names perform nothing'),
      reply: () => assert(false, 'names reply to nothing'),
      emit: () => undefined,
    };
  }

  #send(from: NodeId, to: NodeId, message: NameMessage): void {
    this.sent.push(message.kind);
    if (this.drop(from, to, message)) return;
    const copies = this.random.chance(this.loss) ? 0 : this.random.chance(this.duplicates) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      this.#later(1 + this.random.float() * 40, () => this.#arrive(from, to, message));
    }
  }

  #arrive(from: NodeId, to: NodeId, message: NameMessage): void {
    if (this.hold(from, to)) return this.#later(100, () => this.#arrive(from, to, message));
    const target = this.byId(to);
    this.input(target, (turn) => target.names.receive(turn, from, message));
  }

  #later(afterMs: number, run: () => void): void {
    this.#queue.push({ atMs: this.nowMs + afterMs, order: this.#order++, run });
  }
}
