import { randomInt } from 'node:crypto';
import type { AgreedState } from '../../agreement/state/port.ts';
import { LeaseMachine } from '../../core/leases/lease-machine.ts';
import type {
  KeptAddress,
  KeptLeases,
  LeaseAnswer,
  LeaseChange,
  LeaseRequest,
  LeaseRequestId,
  LeaseTimer,
  LeaseToken,
  LeaseTurn,
  NetworkCopy,
  TakeId,
  TakeRefusal,
} from '../../core/leases/port.ts';
import type { ContainerId, NetworkId, NodeId } from '../../core/model/index.ts';
import { assert } from '../../lib/assert.ts';
import { Prng } from '../../lib/prng.ts';
import type { Store } from '../../store/port.ts';
import { LeaseAgreement } from './lease-agreement.ts';
import { keptLeasesOf, LEASES_DOCUMENT } from './lease-memory.ts';
import { decodeLeaseRequest, encodeLeaseAnswer } from './lease-messages.ts';
import { askForLeases, askToReturn } from './lease-peers.ts';
import type { LeasePeersParts } from './lease-peers.ts';
import { refusedTake } from './lease-words.ts';
import { LeaseRefused } from './leases.ts';
import type { Leases, PeerAnswer, StillHolds } from './leases.ts';

export interface LeaseKeeperParts extends LeasePeersParts {
  readonly self: NodeId;
  readonly state: Pick<AgreedState, 'version' | 'networks' | 'network' | 'leases' | 'onChange' | 'readLeases' | 'changeLeases'>;
  readonly store: Pick<Store, 'document' | 'putDocument'>;
}

type Waiting = {
  readonly network: NetworkId;
  readonly ip: number | undefined;
  readonly resolve: (address: number | undefined) => void;
  readonly reject: (error: LeaseRefused) => void;
};

/** The lease machine among its real surroundings: agreement, peers, clock and disk. */
export class LeaseKeeper implements Leases {
  readonly #parts: LeaseKeeperParts;
  readonly #machine: LeaseMachine;
  readonly #agreement: LeaseAgreement;
  readonly #random = new Prng(randomInt(2 ** 32));
  readonly #takes = new Map<TakeId, Waiting>();
  readonly #requests = new Map<LeaseRequestId, (answer: LeaseAnswer) => void>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #listeners = new Set<(container: ContainerId, network: NetworkId) => void>();
  /** Inputs that came while another was at work. */
  readonly #inputs: ((turn: LeaseTurn) => void)[] = [];
  #isBusy = false;
  #isClosed = false;
  #stopFollowing = (): void => {};
  #lastId = 0;

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts;
    this.#machine = new LeaseMachine(parts.self);
    this.#agreement = new LeaseAgreement(parts.state, parts.log);
  }

  start(kept: readonly KeptAddress[]): void {
    const { state, store } = this.#parts;
    const copies = state.networks().map(({ id }) => this.#copyOf(id));
    const memory = keptLeasesOf(store.document(LEASES_DOCUMENT));
    this.#input((turn) => this.#machine.start(turn, copies, kept, memory));
    this.#stopFollowing = state.onChange((change) => {
      const touched = change.all
        ? [...this.#machine.networks(), ...state.networks().map(({ id }) => id)]
        : [...change.networks, ...change.leases];
      for (const network of new Set(touched)) this.#follow(network);
    });
  }

  take(network: NetworkId, container: ContainerId, ip: number | undefined): Promise<number> {
    return this.#wait(network, ip, (turn, id) => this.#machine.take(turn, id, network, container, ip)).then((address) => {
      assert(address !== undefined, 'who takes an address is granted one');
      return address;
    });
  }

  give(network: NetworkId, container: ContainerId): void {
    this.#input((turn) => this.#machine.give(turn, network, container));
  }

  inUse(network: NetworkId): ReadonlyMap<ContainerId, number> {
    return this.#machine.inUse(network);
  }

  onRenumber(listener: (container: ContainerId, network: NetworkId) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async ensureFirst(network: NetworkId): Promise<void> {
    await this.#wait(network, undefined, (turn, id) => this.#machine.keepOne(turn, id, network));
  }

  async servePeer(path: string, from: NodeId, body: string): Promise<PeerAnswer> {
    try {
      const request = decodeLeaseRequest(path, body);
      if (request === undefined) return { status: 404, body: '{}' };
      return { status: 200, body: encodeLeaseAnswer(await this.#serve(from, request)) };
    } catch (error) {
      this.#parts.log('warn', 'a peer asked for leases in words that make no sense', { peer: from, path, error: String(error) });
      return { status: 400, body: JSON.stringify({ message: String(error) }) };
    }
  }

  async returnAll(network: NetworkId): Promise<'returned' | 'in-use'> {
    const answer = await this.#serve(this.#parts.self, { kind: 'return', network });
    if (answer.kind === 'in-use') return 'in-use';
    if (answer.kind === 'no-agreement') {
      const name = this.#parts.state.network(network)?.name ?? network.slice(0, 12);
      throw new LeaseRefused(
        'no-agreement',
        `this node can't give its addresses of network ${name} back: no majority of the agreement members answers now (see "caravela agreement status")`,
      );
    }
    return 'returned';
  }

  async askOthersToReturn(network: NetworkId): Promise<readonly StillHolds[]> {
    const { leases } = await this.#parts.state.readLeases(network);
    const others = leases.map(({ node }) => node).filter((node) => node !== this.#parts.self);
    return askToReturn(this.#parts, new Set(others), network);
  }

  close(): void {
    this.#isClosed = true;
    this.#stopFollowing();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const waiting of this.#takes.values()) waiting.reject(shuttingDown());
    this.#takes.clear();
    for (const answer of this.#requests.values()) answer({ kind: 'no-agreement' });
    this.#requests.clear();
  }

  #wait(network: NetworkId, ip: number | undefined, input: (turn: LeaseTurn, id: TakeId) => void): Promise<number | undefined> {
    if (this.#isClosed) return Promise.reject(shuttingDown());
    const id = ++this.#lastId as TakeId;
    return new Promise((resolve, reject) => {
      this.#takes.set(id, { network, ip, resolve, reject });
      this.#input((turn) => input(turn, id));
    });
  }

  #serve(from: NodeId, request: LeaseRequest): Promise<LeaseAnswer> {
    if (this.#isClosed) return Promise.resolve({ kind: 'no-agreement' });
    const id = ++this.#lastId as LeaseRequestId;
    return new Promise((resolve) => {
      this.#requests.set(id, resolve);
      this.#input((turn) => this.#machine.requested(turn, id, from, request));
    });
  }

  #follow(network: NetworkId): void {
    const copy = this.#copyOf(network);
    this.#input((turn) => this.#machine.agreedChanged(turn, copy));
  }

  /** One input at a time; its effects are performed after it, in order, before the next one. */
  #input(body: (turn: LeaseTurn) => void): void {
    this.#inputs.push(body);
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) if (!this.#isClosed) this.#turn(next);
    } finally {
      this.#isBusy = false;
    }
  }

  #turn(body: (turn: LeaseTurn) => void): void {
    const effects: (() => void)[] = [];
    body({
      random: this.#random,
      setTimer: (timer, afterMs) => this.#setTimer(timer, afterMs),
      readLeases: (token, network) => effects.push(() => void this.#read(token, network)),
      changeLeases: (token, network, guard, change, keep) => effects.push(() => void this.#change(token, network, guard, change, keep)),
      ask: (token, to, request) =>
        effects.push(
          () =>
            void askForLeases(this.#parts, to, request).then((answer) => this.#input((turn) => this.#machine.asked(turn, token, answer))),
        ),
      answer: (request, answer) => effects.push(() => this.#answer(request, answer)),
      granted: (take, address) => effects.push(() => this.#taken(take)?.resolve(address)),
      refused: (take, refusal) => effects.push(() => this.#refuse(take, refusal)),
      renumber: (network, container) => effects.push(() => this.#listeners.forEach((listener) => listener(container, network))),
      keep: (kept) => effects.push(() => void this.#keep(kept)),
    });
    for (const effect of effects) effect();
  }

  async #read(token: LeaseToken, network: NetworkId): Promise<void> {
    const answer = await this.#agreement.read(network);
    this.#input((turn) => this.#machine.read(turn, token, answer));
  }

  async #change(token: LeaseToken, network: NetworkId, guard: number, change: LeaseChange, keep: KeptLeases | undefined): Promise<void> {
    const isKept = keep === undefined || this.#keep(keep);
    const answer = isKept ? await this.#agreement.change(network, guard, change) : 'unavailable';
    if (answer === 'done') this.#follow(network);
    this.#input((turn) => this.#machine.changed(turn, token, answer));
  }

  #answer(id: LeaseRequestId, answer: LeaseAnswer): void {
    const resolve = this.#requests.get(id);
    this.#requests.delete(id);
    resolve?.(answer);
  }

  #taken(id: TakeId): Waiting | undefined {
    const waiting = this.#takes.get(id);
    this.#takes.delete(id);
    return waiting;
  }

  #refuse(id: TakeId, refusal: TakeRefusal): void {
    const waiting = this.#taken(id);
    waiting?.reject(this.#refusal(waiting, refusal));
  }

  #refusal({ network, ip }: Pick<Waiting, 'network' | 'ip'>, refusal: TakeRefusal): LeaseRefused {
    const { nodes, self, state } = this.#parts;
    const nameOf = (node: NodeId) => nodes().find(({ id }) => id === node)?.name ?? node.slice(0, 12);
    return refusedTake(refusal, { self, networkId: network, network: state.network(network), ip, nameOf });
  }

  /** Returns whether it is durable. */
  #keep(kept: KeptLeases): boolean {
    try {
      this.#parts.store.putDocument(LEASES_DOCUMENT, kept);
      return true;
    } catch (error) {
      this.#parts.log('warn', 'what is to be remembered of leases could not be written', { error: String(error) });
      return false;
    }
  }

  #setTimer(timer: LeaseTimer, afterMs: number): void {
    const handle = setTimeout(() => {
      this.#timers.delete(handle);
      this.#input((turn) => this.#machine.timer(turn, timer));
    }, afterMs).unref();
    this.#timers.add(handle);
  }

  #copyOf(network: NetworkId): NetworkCopy {
    const { state } = this.#parts;
    return { network, facts: state.network(network), leases: state.leases(network), version: state.version() };
  }
}

const shuttingDown = (): LeaseRefused => new LeaseRefused('no-agreement', 'this node is shutting down: ask another one');
