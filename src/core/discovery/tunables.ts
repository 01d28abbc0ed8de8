/** Bounds and times of discovery (DESIGN §6); times in ms. */
export const DISCOVERY = {
  /** Queries of one attempt. */
  queries: 8,
  /** An instance of at most this many members is small: its hints are seconds old, and all can be asked (DESIGN §6). */
  smallInstance: 64,
  /** What one hinted offer in a shard is worth, in a large and in a small instance: hints age, and others want the same. */
  trust: 0.5,
  smallTrust: 2,
  /** Hit probability that queries 1, 2, 3 insist on. */
  thresholds: [0.5, 0.8, 0.95],
  /** Hit probability of a safe region. */
  safe: 0.9,
  /** Queries that go to a random safe region, counted from 0: after a miss by score, hints are not to be trusted. */
  safeTurns: [1, 3] as readonly number[],
  /** Offers that make a good shard: split above 1.5 times this per shard, merge below half. */
  shardTarget: 64,
  /** 2^10 shards of 64 offers: as many as LIMITS.members. */
  splitLevels: 10,
  /** How often one region is asked in one attempt. */
  askRegion: 3,
  /** A trader's figure for an offer it sent a reserve for counts as used this long. */
  tentativeMs: 2_000,
  /** Refusals after which a find goes on to another region. */
  refusals: 3,
  /** Finds per shard in a shed window above which a request is shed, once. */
  shedFinds: 10,
  shedWindowMs: 100,
  /** Random part of a score, so that buyers don't all pick the same among equals. */
  scoreNoise: 0.02,
  offerTtlMs: 120 * 60_000,
  refreshMs: 60 * 60_000,
  /** A change within a region is published this late. */
  lazyMs: 60_000,
  /** An offer in a new place is published once more after this. */
  repeatMs: 5_000,
  /** Suppliers of a dead trader publish anew within this. */
  republishJitterMs: 2_000,
  /** How often a region's hint is written, unless it goes to or from empty. */
  hintMs: 60_000,
  /** Every so many times, a trader looks at all hints for regions that are its own, not just at those it keeps. */
  sweepsPerLookAround: 10,
  /** After the ring changed: when its suppliers have published to the new owner. */
  takeOverMs: 4_000,
  /** How long a region that an offer was seen to move to is looked in without a hint: what gossip needs, and some more. */
  supposeMs: 3_000,
  /** Each hint row that is news is sent this × ⌈log10(N + 1)⌉ times. */
  hintRetransmit: 3,
  /** Known rows that ride along with each packet, for those who missed them. */
  hintsRepeated: 2,
} as const;
