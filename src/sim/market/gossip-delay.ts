/**
 * How long a piece of gossip takes to reach a node, drawn once for each (node, piece): the same on every
 * look, with no table of who has heard what.
 *
 * The spread of a rumour by random packets follows the logistic curve: of N nodes a share u has heard it
 * after (ln(N − 1) + ln(u / (1 − u))) / β packet intervals. With β = 1.28 this is 99 % in 9, 11 and 13 rounds at
 * 1,000, 10,000 and 100,000 nodes, as a simulation of the rumours themselves had it; losses slow β by as much.
 * A share of the nodes misses all copies of a piece: it hears it by the slow rotation of known pieces, after
 * a time with exponential distribution. That share is assumed, and on the high side: with 9 to 15 copies from
 * each node almost nobody would miss one, but pieces also displace each other.
 */
export interface GossipPace {
  /** Mean time between two packets that a node receives. */
  readonly packetMs: number;
  /** Mean time until a piece comes round again. */
  readonly rotationMs: number;
}

const GROWTH = 1.28;
const MISSED = 0.005;

export class GossipDelay {
  readonly #seed: number;
  readonly #members: number;
  readonly #loss: number;

  constructor(seed: number, members: number, loss: number) {
    this.#seed = seed;
    this.#members = members;
    this.#loss = loss;
  }

  /** @param piece any number that names it */
  ms(node: number, piece: number, { packetMs, rotationMs }: GossipPace): number {
    const u = this.unit(node, piece);
    const missed = MISSED + this.#loss;
    if (u < missed) return -Math.log((u + TINY) / missed) * rotationMs;
    const heard = (u - missed) / (1 - missed) + TINY;
    const rounds = (Math.log(Math.max(1, this.#members - 1)) + Math.log(heard / (1 + 2 * TINY - heard))) / (GROWTH * (1 - this.#loss));
    return Math.max(LEAST_ROUNDS, rounds) * packetMs;
  }

  /** Uniform in [0, 1). */
  unit(node: number, piece: number): number {
    let h = Math.imul(node + 1, 0x9e3779b1) ^ Math.imul(piece + 1, 0x85ebca6b) ^ this.#seed;
    h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
    h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
    return ((h ^ (h >>> 15)) >>> 0) / 0x1_0000_0000;
  }
}

const TINY = 1e-10;
/** Nobody hears of a thing before a packet of it arrives. */
const LEAST_ROUNDS = 0.2;
