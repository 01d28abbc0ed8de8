import type { NameKey } from '../../model/index.ts';

/** Times of the name directory that hang on how far apart nodes are, in ms. */
export interface NameTimes {
  /** For the word of a name's owner or of another node: above a round trip. Asked once more for as long again. */
  readonly askMs: number;
  /** For an owner's word that it has a registration: the first of a row that doubles. */
  readonly registerMs: number;
}

export const NAME_TIMES = {
  lan: { askMs: 300, registerMs: 1_000 },
  /** Round trips up to a second. */
  wan: { askMs: 1_500, registerMs: 4_000 },
  /** Latencies up to 80 ms. */
  sim: { askMs: 300, registerMs: 1_000 },
} as const satisfies Record<string, NameTimes>;

/** Bounds and times of the name directory (DESIGN §6); times in ms. */
export const NAMES = {
  /**
   * Longer than an offer's: registrations are confirmed, taken back, and dropped with their node, so that time has
   * the last word only where all of that failed. Each 15 minutes they were most of the messages of a quiet instance.
   */
  ttlMs: 150 * 60_000,
  refreshMs: 60 * 60_000,
  /** What was registered elsewhere is registered anew within this, at random. */
  jitterMs: 2_000,
  /** The longest wait between two tries to register with an owner that gives no word. */
  lastRegisterMs: 30_000,
  /** A claim ends by itself after this; a run under way renews it. */
  claimMs: 30_000,
  renewMs: 10_000,
  /** Questions after a holder that one claim may cost: the owner's word, where it was placed, where it is. */
  doubts: 3,
  /** How often an owner drops what has run out. */
  sweepMs: 20_000,
  /** How long what a node registered under an older incarnation may wait to be registered anew: its jitter, and some tries. */
  outdatedMs: 12_000,
  /** After a member has gone: when those who had registered with it have done so here. */
  takeOverMs: 6_000,
  /** From the sight of two containers of one name to the word to the younger: the older may be on its way out. */
  conflictMs: 1_000,
  conflictAgainMs: 5_000,
  /** Up to what share of its bound an owner takes entries of each kind: however many labels there are, endpoints and names find room. */
  shares: { name: 1, id: 1, endpoint: 0.9, label: 0.75, image: 0.75 } satisfies Record<NameKey['kind'], number>,
  /** Lines that are kept for an owner which can't be reached. */
  lines: 65_536,
} as const;
