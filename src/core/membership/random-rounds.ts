import type { Prng } from '../../lib/prng.ts';
import type { Entry, MemberTable } from './member-table.ts';

/**
 * SWIM's randomised round-robin (§4.3), for probes and for gossip: each round visits every live member once, in a
 * fresh random order, which bounds the time until a crash is noticed; a newcomer comes at a random place of the rest
 * of the round.
 */
export class RandomRounds {
  readonly #table: MemberTable;
  /** Slots of the table still to come, the next one last; whoever took a slot meanwhile is visited in its stead. */
  #round: Int32Array = new Int32Array(0);
  #left = 0;

  constructor(table: MemberTable) {
    this.#table = table;
  }

  insert(random: Prng, { slot }: Entry): void {
    const at = random.int(this.#left + 1);
    if (this.#left >= this.#round.length) {
      const longer = new Int32Array(Math.ceil(this.#left * 1.5) + 8);
      longer.set(this.#round);
      this.#round = longer;
    }
    this.#round.copyWithin(at + 1, at, this.#left);
    this.#round[at] = slot;
    this.#left++;
  }

  /** The next live member; undefined where there is none. */
  next(random: Prng): Entry | undefined {
    return this.#fromRound() ?? this.#newRound(random);
  }

  #fromRound(): Entry | undefined {
    while (this.#left > 0) {
      const slot = this.#round[--this.#left] as number;
      if (this.#table.isPeer(slot)) return this.#table.at(slot);
    }
    return undefined;
  }

  #newRound(random: Prng): Entry | undefined {
    this.#round = this.#table.shuffledPeers(random);
    this.#left = this.#round.length;
    return this.#fromRound();
  }
}
