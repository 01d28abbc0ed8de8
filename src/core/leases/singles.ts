import { holds } from '../../lib/ipv4.ts';
import type { ContainerId, Lease, NetworkId, NodeId } from '../model/index.ts';
import type { Holdings } from './holdings.ts';
import type { Job, Lane } from './lane.ts';
import type { LeaseAnswer, LeaseChange, LeaseToken, LeaseTurn, TakeId, TakeRefusal } from './port.ts';
import { LEASES } from './tunables.ts';

interface Single {
  readonly id: TakeId;
  readonly owner: ContainerId;
  readonly address: number;
  /** Whose answer it waits for. */
  asked: { readonly token: LeaseToken; readonly holder: NodeId } | undefined;
  rounds: number;
}

export interface SinglesHost {
  nextToken(network: NetworkId): LeaseToken;
  settled(turn: LeaseTurn): void;
}

/**
 * Takes of one given address (`--ip`) that is not this node's: leased as a /32 where it is free, else its holder
 * is asked to cede it. What the holder answers only says where to look next: granted is what is agreed.
 */
export class Singles {
  readonly #holdings: Holdings;
  readonly #lane: Lane;
  readonly #host: SinglesHost;
  readonly #waiting = new Map<TakeId, Single>();

  constructor(holdings: Holdings, lane: Lane, host: SinglesHost) {
    this.#holdings = holdings;
    this.#lane = lane;
    this.#host = host;
  }

  get size(): number {
    return this.#waiting.size;
  }

  add(turn: LeaseTurn, id: TakeId, owner: ContainerId, address: number): void {
    if (this.#waiting.size >= LEASES.waiting) {
      turn.refused(id, { code: 'no-agreement', why: 'too-many' });
      return;
    }
    const single: Single = { id, owner, address, asked: undefined, rounds: 0 };
    this.#waiting.set(id, single);
    this.#holdings.want(address);
    this.#lane.run(turn, this.#job(single));
  }

  /** Returns whether it was asked by this. */
  asked(turn: LeaseTurn, token: LeaseToken, answer: LeaseAnswer | undefined): boolean {
    const single = this.#waiting.values().find((each) => each.asked?.token === token);
    if (single?.asked === undefined) return false;
    const { holder } = single.asked;
    single.asked = undefined;
    switch (answer?.kind) {
      case undefined:
      case 'no-agreement':
        this.#refuse(turn, single, { code: 'in-use', silent: holder });
        break;
      case 'in-use':
        this.#refuse(turn, single, { code: 'in-use', holder, by: answer.by });
        break;
      case 'given':
      case 'not-mine':
      case 'none':
        single.rounds += 1;
        if (single.rounds >= LEASES.askRounds) this.#refuse(turn, single, { code: 'no-agreement', why: 'contended' });
        else this.#lane.run(turn, this.#job(single));
        break;
    }
    return true;
  }

  expire(turn: LeaseTurn, id: TakeId): void {
    const single = this.#waiting.get(id);
    if (single === undefined) return;
    const holder = single.asked?.holder;
    this.#refuse(turn, single, holder === undefined ? { code: 'no-agreement', why: 'contended' } : { code: 'in-use', silent: holder });
  }

  giveUp(turn: LeaseTurn, owner: ContainerId): void {
    for (const single of this.#waiting.values()) if (single.owner === owner) this.#refuse(turn, single, { code: 'given-up' });
  }

  #job(single: Single): Job {
    const { address } = single;
    let holder: NodeId | undefined;
    return {
      decide: (_turn, leases): LeaseChange | undefined => {
        const { self, network, facts } = this.#holdings;
        holder = holderOf(leases, address);
        if (holder !== undefined || facts === undefined || !this.#waiting.has(single.id)) return undefined;
        return { add: [{ network, block: { base: address, prefix: 32 }, node: self }], remove: [] };
      },
      done: (turn) => {
        if (this.#waiting.has(single.id)) this.#decided(turn, single, holder);
        this.#host.settled(turn);
      },
      failed: (turn, why) => {
        if (this.#waiting.has(single.id))
          this.#refuse(turn, single, why === 'no-network' ? { code: 'no-network' } : { code: 'no-agreement', why });
        this.#host.settled(turn);
      },
    };
  }

  #decided(turn: LeaseTurn, single: Single, holder: NodeId | undefined): void {
    const { self, network, facts } = this.#holdings;
    const { owner, address } = single;
    const user = this.#holdings.userOf(address);
    const isOthers = user !== undefined && user !== owner;
    if (facts === undefined) this.#refuse(turn, single, { code: 'no-network' });
    else if (holder !== undefined && holder !== self) {
      single.asked = { token: this.#host.nextToken(network), holder };
      turn.ask(single.asked.token, holder, { kind: 'cede', network, address });
    } else if (isOthers) this.#refuse(turn, single, { code: 'in-use', holder: self, by: user });
    else if (this.#holdings.canHandOut(address)) {
      this.#forget(single);
      this.#holdings.use(owner, address);
      turn.granted(single.id, address);
    } else this.#refuse(turn, single, { code: 'no-agreement', why: 'contended' });
  }

  #refuse(turn: LeaseTurn, single: Single, refusal: TakeRefusal): void {
    this.#forget(single);
    turn.refused(single.id, refusal);
  }

  #forget(single: Single): void {
    this.#waiting.delete(single.id);
    this.#holdings.unwant(single.address);
  }
}

/** A single address beats the block around it. */
function holderOf(leases: readonly Lease[], address: number): NodeId | undefined {
  const around = leases.filter(({ block }) => holds(block, address));
  return (around.find(({ block }) => block.prefix === 32) ?? around[0])?.node;
}
