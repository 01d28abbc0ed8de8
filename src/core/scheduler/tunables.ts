/** Times of a run, in ms. */
export interface SchedulerTimes {
  /** For an accept or a not-found, from a find: up to 8 hops and a few refusals. */
  readonly findMs: number;
  /** For the answers of the direct round; who did not answer is asked a second time for as long again. */
  readonly askMs: number;
  /** For a supplier's word on a direct reserve; repeated once for as long again. */
  readonly reserveMs: number;
  /** Renewal and repetition of a launch not yet recorded: well within a hold's 5 s. */
  readonly launchMs: number;
}

export const SCHEDULER_TIMES = {
  /** Round trips of a few ms, and hosts that may be busy. */
  lan: { findMs: 1_000, askMs: 400, reserveMs: 400, launchMs: 2_000 },
  /** Round trips up to a second. */
  wan: { findMs: 4_000, askMs: 2_000, reserveMs: 2_000, launchMs: 2_000 },
  /** Latencies up to 80 ms. */
  sim: { findMs: 1_000, askMs: 400, reserveMs: 400, launchMs: 2_000 },
} as const satisfies Record<string, SchedulerTimes>;

export const SCHEDULER = {
  /** Attempts through the directory after which a run of a small instance goes to the direct round. */
  smallFinds: 3,
  /** In a larger one, after which it ends: with 5 % of datagrams lost, one attempt in four is. */
  finds: 8,
  /** Attempts that came back without a place after which it does. The second begins at once, the third after missMs. */
  misses: 3,
  missMs: 3_000,
  /** Launches that failed in the engine's hands, each on another node, after which its words are the answer. */
  launchFailures: 3,
  /** Launches refused because their hold had run out. */
  lateLaunches: 3,
  /** For the word that a launch is recorded. */
  recordMs: 60_000,
  /** From recorded to ready: an image may have to be fetched over a thin line. */
  readyMs: 30 * 60_000,
  /** Between two words that a part of a stack which is ready is still waited with: well within a supplier's ten minutes. */
  keepMs: 120_000,
  /** For the word that a part of a stack that failed is taken back. */
  takeBackMs: 120_000,
  /** Nodes that a find is told to leave out because of what they have: half of LIMITS.exclude, which refusals need, too. */
  shunned: 32,
  /** Nodes that refused for a port or a network, which later finds go past: each brings up to four more. */
  barred: 48,
  /**
   * Where fewer than one member in so many meets a request's filters, those are asked directly: a shard's 64 offers
   * hold less than 8 of theirs then, if they are of that region at all.
   */
  rare: 8,
  /** Parts of one stack that are looked for at a time. */
  stackFinds: 4,
  /** Parts of one plan that everybody is asked about at a time. */
  planAsks: 8,
  /** Longest wait between two questions after a launch that is recorded and not yet ready. */
  pollMs: 30_000,
} as const;
