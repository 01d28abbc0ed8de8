import { sizeOf } from '../../lib/ipv4.ts';
import type { ContainerId, Lease, NetworkId, NodeId } from '../model/index.ts';
import { acquisition } from './acquire.ts';
import { usableIn } from './addresses.ts';
import type { Holdings } from './holdings.ts';
import type { Job, JobFailure, Lane } from './lane.ts';
import type { LeaseAnswer, LeaseChange, LeaseToken, LeaseTurn, TakeId, TakeRefusal } from './port.ts';
import { LEASES } from './tunables.ts';

/** What the waiting ones need of the network's machine. */
export interface NeedHost {
  nextToken(network: NetworkId): LeaseToken;
  keepOne(): boolean;
  /** What this node has has changed; or why not. */
  settled(turn: LeaseTurn, failure: JobFailure | 'nothing' | undefined): void;
}

/**
 * Takes that this node has no address for. All wait for one effort: lease what is free; where nothing is, ask
 * every holder to give up what it doesn't use, the largest first, and lease that as soon as one has; refuse when
 * none has any. The lane is free while others are asked, so two nodes that ask each other both get their answer.
 */
export class Need {
  readonly #holdings: Holdings;
  readonly #lane: Lane;
  readonly #host: NeedHost;
  /** Owner undefined: any block will do (`keepOne`). */
  readonly #waiting = new Map<TakeId, ContainerId | undefined>();
  #isAcquiring = false;
  readonly #asks = new Map<LeaseToken, NodeId>();
  #toAsk: NodeId[] = [];
  #silent: NodeId[] = [];
  #rounds = 0;

  constructor(holdings: Holdings, lane: Lane, host: NeedHost) {
    this.#holdings = holdings;
    this.#lane = lane;
    this.#host = host;
  }

  get size(): number {
    return this.#waiting.size;
  }

  get isBusy(): boolean {
    return this.#isAcquiring || this.#asks.size > 0;
  }

  /** Grants from what is here, else waits. */
  add(turn: LeaseTurn, id: TakeId, owner: ContainerId | undefined): void {
    this.#waiting.set(id, owner);
    this.serve(turn);
    if (!this.#waiting.has(id)) return;
    if (this.#waiting.size > LEASES.waiting) this.#refuse(turn, id, { code: 'no-agreement', why: 'too-many' });
    else if (!this.isBusy) this.acquire(turn);
  }

  serve(turn: LeaseTurn): void {
    for (const [id, owner] of this.#waiting) {
      const address = owner === undefined ? undefined : (this.#holdings.inUse.get(owner) ?? this.#holdings.pick());
      if (owner === undefined ? this.#holdings.capacity === 0 : address === undefined) continue;
      if (owner !== undefined && address !== undefined) this.#holdings.use(owner, address);
      this.#waiting.delete(id);
      turn.granted(id, address);
    }
    if (this.#waiting.size === 0) this.#stopAsking();
  }

  /** Leases what is free, for those that wait or ahead of need. */
  acquire(turn: LeaseTurn): void {
    this.#isAcquiring = true;
    this.#lane.run(turn, this.#acquireJob());
  }

  /** Returns whether it was asked by this. */
  asked(turn: LeaseTurn, token: LeaseToken, answer: LeaseAnswer | undefined): boolean {
    const holder = this.#asks.get(token);
    if (holder === undefined) return false;
    this.#asks.delete(token);
    if (answer?.kind === 'given') {
      this.#stopAsking();
      this.acquire(turn);
      return true;
    }
    if (answer === undefined || answer.kind === 'no-agreement') this.#silent.push(holder);
    this.#askNext(turn);
    return true;
  }

  /** It has waited long enough. */
  expire(turn: LeaseTurn, id: TakeId): void {
    if (!this.#waiting.has(id)) return;
    const isAsking = this.#asks.size > 0;
    this.#refuse(
      turn,
      id,
      isAsking ? this.#exhausted([...this.#silent, ...this.#asks.values()]) : { code: 'no-agreement', why: 'contended' },
    );
    if (this.#waiting.size === 0) this.#stopAsking();
  }

  /** The container doesn't want one any more, or all are to end. */
  giveUp(turn: LeaseTurn, owner: ContainerId): void {
    for (const [id, each] of this.#waiting) if (each === owner) this.#refuse(turn, id, { code: 'given-up' });
    if (this.#waiting.size === 0) this.#stopAsking();
  }

  #acquireJob(): Job {
    let wasUrgent = false;
    return {
      decide: (turn, leases): LeaseChange | undefined => {
        this.serve(turn);
        wasUrgent = this.#waiting.size > 0;
        return acquisition(this.#holdings, leases, { waiting: this.#waiting.size, keepOne: this.#host.keepOne() });
      },
      done: (turn, changed) => {
        this.#isAcquiring = false;
        this.serve(turn);
        if (this.#waiting.size > 0) {
          if (this.#holdings.facts === undefined) this.#refuseAll(turn, { code: 'no-network' });
          else if (changed || !wasUrgent) this.acquire(turn);
          else this.#ask(turn);
        }
        this.#host.settled(turn, changed ? undefined : 'nothing');
      },
      failed: (turn, why) => {
        this.#isAcquiring = false;
        this.#refuseAll(turn, why === 'no-network' ? { code: 'no-network' } : { code: 'no-agreement', why });
        this.#host.settled(turn, why);
      },
    };
  }

  #ask(turn: LeaseTurn): void {
    this.#rounds += 1;
    const sizes = new Map<NodeId, number>();
    for (const { node, block } of this.#holdings.leases) {
      if (node !== this.#holdings.self) sizes.set(node, (sizes.get(node) ?? 0) + sizeOf(block));
    }
    const isHopeless = this.#rounds > LEASES.askRounds;
    this.#toAsk = isHopeless ? [] : [...sizes].toSorted((a, b) => b[1] - a[1]).map(([node]) => node);
    this.#silent = [];
    this.#askNext(turn);
  }

  #askNext(turn: LeaseTurn): void {
    const { network } = this.#holdings;
    while (this.#asks.size < LEASES.asksAtOnce) {
      const holder = this.#toAsk.shift();
      if (holder === undefined) break;
      const token = this.#host.nextToken(network);
      this.#asks.set(token, holder);
      turn.ask(token, holder, { kind: 'reclaim', network });
    }
    if (this.#asks.size === 0) this.#refuseAll(turn, this.#exhausted(this.#silent));
  }

  #stopAsking(): void {
    this.#asks.clear();
    this.#toAsk = [];
    if (this.#waiting.size === 0) this.#rounds = 0;
  }

  #exhausted(silent: readonly NodeId[]): TakeRefusal {
    const { facts, leases } = this.#holdings;
    const holders = new Set(leases.map(({ node }: Lease) => node)).size;
    return { code: 'exhausted', usable: facts === undefined ? 0 : usableIn(facts, facts.subnet), holders, silent };
  }

  #refuse(turn: LeaseTurn, id: TakeId, refusal: TakeRefusal): void {
    this.#waiting.delete(id);
    turn.refused(id, refusal);
  }

  #refuseAll(turn: LeaseTurn, refusal: TakeRefusal): void {
    for (const id of this.#waiting.keys()) this.#refuse(turn, id, refusal);
    this.#stopAsking();
  }
}
