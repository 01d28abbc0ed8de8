import { LIMITS } from '../model/index.ts';

/** Sizes, shares and times (ms) of leased blocks (DESIGN §9). */
export const LEASES = {
  /** A block has 2^b addresses, b = min(this, ⌊host bits · blockShare⌋). */
  blockBits: 6,
  blockShare: 3 / 8,
  /** From this share in use on, the next block is leased in the background. */
  nextBlockAt: 1 / 2,
  /** An idle block goes back where at most this share of the rest would be in use, and it stays so for `idleMs`. */
  returnBelow: 1 / 4,
  idleMs: 300_000,
  /** The background waits up to this, so that nodes that were told the same don't write at once. */
  aheadMs: 500,
  /** A take that needs agreement or others ends after this at the latest. */
  takeMs: 8_000,
  /** A change that somebody else's came before is decided anew: so often, after up to first · 2^n, at most last. */
  movedTries: 64,
  firstMovedMs: 10,
  lastMovedMs: 400,
  /** Of the background, and of a change whose outcome is not known, while there is no agreement. */
  firstAgainMs: 2_000,
  lastAgainMs: 60_000,
  /** Holders asked side by side to give up what is idle; and how often all over again. */
  asksAtOnce: 8,
  askRounds: 8,
  /** Blocks leased by one change. */
  blocksAtOnce: 8,
  /** Leases that go back by one change: a transaction takes 64 conditions and writes. */
  returnsAtOnce: 24,
  /** Takes of one network that wait; changes of one network that wait, most of them on a peer's behalf. */
  waiting: LIMITS.containers,
  jobs: 256,
  /** Addresses of one network that are remembered as given back last, across a restart; and how long that may take. */
  recent: 64,
  keepMs: 5_000,
} as const;
