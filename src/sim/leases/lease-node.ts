import { LeaseMachine } from '../../core/leases/lease-machine.ts';
import type { KeptAddress, KeptLeases, LeaseRequestId, LeaseTurn, NetworkCopy, TakeId, TakeRefusal } from '../../core/leases/port.ts';
import type { ContainerId, NetworkId, NodeId } from '../../core/model/index.ts';
import type { Prng } from '../../lib/prng.ts';
import { ownerOf } from './lease-cluster.ts';
import type { AgreedSnapshot } from './lease-cluster.ts';

export interface Take {
  readonly network: NetworkId;
  readonly container: ContainerId | undefined;
  readonly ip: number | undefined;
  readonly atMs: number;
  readonly onAnswer: ((answer: TakeAnswer) => void) | undefined;
}

export type TakeAnswer = { readonly address: number | undefined } | TakeRefusal;

const OLDER_COPIES = 20;

/** What a node's effects come to in the world. */
export interface LeaseNodeWorld {
  readonly random: Prng;
  nowMs(): number;
  /** Effects that leave the node. */
  io(node: LeaseNode): Pick<LeaseTurn, 'setTimer' | 'readLeases' | 'changeLeases' | 'ask' | 'answer'>;
  /** Whether the node dies between two effects. */
  diesNow(node: LeaseNode): boolean;
  granted(node: LeaseNode, take: Take, address: number): void;
  refused(node: LeaseNode, take: Take, refusal: TakeRefusal): void;
  readonly sabotage: { readonly forgetsKept?: boolean; readonly deafToRenumber?: boolean };
}

/** A node around the machine: what is on its disk survives `crash`, nothing else. */
export class LeaseNode {
  readonly id: NodeId;
  readonly #world: LeaseNodeWorld;
  #machine: LeaseMachine | undefined;
  /** Grows with each start: what was sent to an earlier one comes to nobody. */
  generation = 0;
  /** The agreed snapshot, by serial, up to which it can't plead ignorance: it was told all, and had nothing to ask about at its start. */
  told = 0;
  #hadStrays = false;
  /** On its disk. */
  copy: AgreedSnapshot;
  #kept: KeptLeases = [];
  /** Copies it had before: a power cut takes back what the disk was not made to hold. */
  readonly #older: AgreedSnapshot[] = [];
  /** On its disk, by network and container; the containers run on while the daemon is down. */
  readonly endpoints = new Map<string, KeptAddress>();
  readonly takes = new Map<TakeId, Take>();
  /** Of the last read of each network: a change decided by it goes to no other cluster. */
  readonly readIn = new Map<NetworkId, number>();
  #lastId = 0;

  constructor(id: NodeId, copy: AgreedSnapshot, world: LeaseNodeWorld) {
    this.id = id;
    this.copy = copy;
    this.#world = world;
  }

  get isUp(): boolean {
    return this.#machine !== undefined;
  }

  start(keepOne: NetworkId | undefined): void {
    this.generation += 1;
    this.told = 0;
    this.#hadStrays = this.endpoints
      .values()
      .some(({ network, address }) => ownerOf(this.copy.networks.get(network)?.leases ?? [], address) !== this.id);
    const machine = new LeaseMachine(this.id);
    this.#machine = machine;
    const copies = [...this.copy.networks.keys()].map((network) => this.#copyOf(network));
    const kept = this.#world.sabotage.forgetsKept === true ? [] : this.#kept;
    this.input((turn) => machine.start(turn, copies, [...this.endpoints.values()], kept));
    if (keepOne !== undefined && this.isUp) {
      const id = this.#note({ network: keepOne, container: undefined, ip: undefined, atMs: this.#world.nowMs(), onAnswer: undefined });
      this.input((turn) => this.#machine?.keepOne(turn, id, keepOne));
    }
  }

  crash(): void {
    this.#machine = undefined;
    this.takes.clear();
  }

  /** The host goes down with all that runs, and some of what its disk had not written yet. */
  cutPower(): void {
    this.crash();
    this.endpoints.clear();
    this.copy = this.#world.random.pick(this.#older) ?? this.copy;
  }

  take(network: NetworkId, container: ContainerId, ip: number | undefined, onAnswer?: Take['onAnswer']): void {
    if (!this.isUp) return;
    const id = this.#note({ network, container, ip, atMs: this.#world.nowMs(), onAnswer });
    this.input((turn) => this.#machine?.take(turn, id, network, container, ip));
  }

  give(network: NetworkId, container: ContainerId): void {
    this.endpoints.delete(`${network} ${container}`);
    this.input((turn) => this.#machine?.give(turn, network, container));
  }

  /** The copy moves on: to the newest, or to what a change of its own has shown. */
  sync(snapshot: AgreedSnapshot): void {
    if (!this.isUp || snapshot.serial <= this.copy.serial) return;
    const { copy: before, generation } = this;
    this.copy = snapshot;
    this.#older.push(before);
    if (this.#older.length > OLDER_COPIES) this.#older.shift();
    for (const network of new Set([...before.networks.keys(), ...snapshot.networks.keys()])) {
      if (before.networks.get(network) === snapshot.networks.get(network)) continue;
      this.input((turn) => this.#machine?.agreedChanged(turn, this.#copyOf(network)));
    }
    if (this.isUp && this.generation === generation && !this.#hadStrays) this.told = snapshot.serial;
  }

  keep(kept: KeptLeases): void {
    this.#kept = kept;
  }

  nextRequest(): LeaseRequestId {
    return ++this.#lastId as LeaseRequestId;
  }

  /** One input; its effects are performed afterwards, in order, unless the node dies amid them. */
  input(body: (turn: LeaseTurn, machine: LeaseMachine) => void): void {
    const machine = this.#machine;
    if (machine === undefined) return;
    const io = this.#world.io(this);
    const effects: (() => void)[] = [];
    const renumbered: (() => void)[] = [];
    body(
      {
        random: this.#world.random,
        setTimer: (timer, afterMs) => effects.push(() => io.setTimer(timer, afterMs)),
        readLeases: (token, network) => effects.push(() => io.readLeases(token, network)),
        changeLeases: (token, network, guard, change, keep) => effects.push(() => io.changeLeases(token, network, guard, change, keep)),
        ask: (token, to, request) => effects.push(() => io.ask(token, to, request)),
        answer: (request, answer) => effects.push(() => io.answer(request, answer)),
        granted: (id, address) => effects.push(() => this.#granted(id, address)),
        refused: (id, refusal) => effects.push(() => this.#refused(id, refusal)),
        renumber: (network, container) => renumbered.push(() => this.#renumber(network, container)),
        keep: (kept) => effects.push(() => this.keep(kept)),
      },
      machine,
    );
    for (const effect of [...effects, ...renumbered]) {
      if (this.#world.diesNow(this)) this.crash();
      if (this.#machine !== machine) return;
      effect();
    }
  }

  #note(take: Take): TakeId {
    const id = ++this.#lastId as TakeId;
    this.takes.set(id, take);
    return id;
  }

  #granted(id: TakeId, address: number | undefined): void {
    const take = this.takes.get(id);
    if (take === undefined) throw new Error(`take ${id} of ${this.id} was answered twice`);
    this.takes.delete(id);
    if (take.container !== undefined && address !== undefined) {
      this.endpoints.set(`${take.network} ${take.container}`, { network: take.network, container: take.container, address });
      this.#world.granted(this, take, address);
    }
    take.onAnswer?.({ address });
  }

  #refused(id: TakeId, refusal: TakeRefusal): void {
    const take = this.takes.get(id);
    if (take === undefined) throw new Error(`take ${id} of ${this.id} was answered twice`);
    this.takes.delete(id);
    this.#world.refused(this, take, refusal);
    take.onAnswer?.(refusal);
  }

  #renumber(network: NetworkId, container: ContainerId): void {
    if (this.#world.sabotage.deafToRenumber === true) return;
    this.give(network, container);
    this.take(network, container, undefined);
  }

  #copyOf(network: NetworkId): NetworkCopy {
    const { epoch, revision, networks } = this.copy;
    const agreed = networks.get(network);
    return { network, facts: agreed?.facts, leases: agreed?.leases ?? [], version: { epoch, revision } };
  }
}
