import type { Prng } from '../../lib/prng.ts';
import type { Entry, MemberTable } from './member-table.ts';
import type { NodeId } from '../model/index.ts';
import { isLive } from './claim.ts';

/**
 * SWIM's randomised round-robin (§4.3), for probes and for gossip: each round visits every live member once, in a
 * fresh random order, which bounds the time until a crash is noticed; a newcomer comes at a random place of the rest
 * of the round.
 */
export class RandomRounds {
  readonly #table: MemberTable;
  #round: NodeId[] = [];

  constructor(table: MemberTable) {
    this.#table = table;
  }

  insert(random: Prng, id: NodeId): void {
    this.#round.splice(random.int(this.#round.length + 1), 0, id);
  }

  /** The next live member; undefined where there is none. */
  next(random: Prng): Entry | undefined {
    return this.#fromRound() ?? this.#newRound(random);
  }

  #fromRound(): Entry | undefined {
    for (let id = this.#round.pop(); id !== undefined; id = this.#round.pop()) {
      const entry = this.#table.get(id);
      if (entry !== undefined && isLive(entry.claim.state)) return entry;
    }
    return undefined;
  }

  #newRound(random: Prng): Entry | undefined {
    this.#round = random.shuffle(this.#table.peers().map((entry) => entry.id));
    return this.#fromRound();
  }
}
