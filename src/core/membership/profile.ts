/** Every tunable of membership. Times in ms; N is the number of live members, this node included. */
export interface MembershipProfile {
  /** Between two probes of this node: × (health + 1). One member is probed at a time, so a round takes N × this. */
  readonly probeMs: number;
  /** From ping to asking others: × (health + 1). Above the underlay's 99.9th percentile round trip, below probeMs / 2. */
  readonly probeTimeoutMs: number;
  /** How many members are asked to ping one that did not answer (SWIM's k). */
  readonly indirectProbes: number;
  /** An intermediary without an ack answers nack after this share of probeTimeoutMs, so that it arrives in time. */
  readonly nackShare: number;
  /** Bound of the health score: the slowest probing is probeMs × (this + 1). */
  readonly healthMax: number;
  /** Relayed pings an intermediary has under way at a time; a further ping-request is answered nack at once. */
  readonly relays: number;

  /** Between two dedicated gossip rounds; there are none while nothing is new. */
  readonly gossipMs: number;
  /** Members told in a gossip round. */
  readonly gossipFanout: number;
  /** λ: a rumour is sent ⌈λ · log10(N + 1)⌉ times by each node. 2 reaches everyone without loss, 4 with 30 % of it. */
  readonly retransmit: number;
  /** Members told at once on leaving, since the process ends soon after. */
  readonly leaveFanout: number;

  /** Shortest suspicion: this × max(1, log10 N) × probeMs. Its confirmations needed: this − 2. */
  readonly suspicion: number;
  /** Longest suspicion, as a multiple of the shortest: before anybody confirms. */
  readonly suspicionMax: number;

  /** Between two periodic syncs, ± 25 %. A sync without differences costs about 1.3 kB on a stream. */
  readonly syncMs: number;
  /**
   * From the end of a bout of gossip to a sync, × max(1, N / 50), ± 25 %: of 50 members each rumour misses one now and
   * then. With many members there is always gossip and the periodic sync has to do.
   */
  readonly syncSettleMs: number;
  /** Between two tries of the first sync after a start or a join. */
  readonly syncRetryMs: number;
  /** Least time between two syncs that something unknown provoked. */
  readonly syncMinMs: number;
  /** Members in one sync-reply: at most about 600 bytes each, so well below LIMITS.streamMessageBytes. */
  readonly syncMembers: number;

  /** Between two pings to a dead member, chosen at random: each of D is tried every D × this. */
  readonly deadProbeMs: number;
  /** A dead member is remembered, and probed, this long. */
  readonly deadKeptMs: number;
  /** A member that left is remembered this long: longer than any old rumour or missed sync of it lives. */
  readonly leftKeptMs: number;

  /** Hints asked of discovery per packet, in its first packets and as room allows: about 15 bytes each. */
  readonly hintsPerPacket: number;
  /** What sealing adds to an encoded message (instance id, wire version, nonce, tag), rounded up. */
  readonly sealBytes: number;
}

const HOUR_MS = 3_600_000;

const lan: MembershipProfile = {
  probeMs: 500,
  probeTimeoutMs: 200,
  indirectProbes: 3,
  nackShare: 0.8,
  healthMax: 8,
  relays: 1_024,
  gossipMs: 200,
  gossipFanout: 3,
  retransmit: 4,
  leaveFanout: 16,
  suspicion: 4,
  suspicionMax: 6,
  syncMs: 30_000,
  syncSettleMs: 2_000,
  syncRetryMs: 2_000,
  syncMinMs: 1_000,
  syncMembers: 4_096,
  deadProbeMs: 10_000,
  deadKeptMs: 24 * HOUR_MS,
  leftKeptMs: HOUR_MS,
  hintsPerPacket: 8,
  sealBytes: 64,
};

export const PROFILES = {
  /** One site: round trips of a few ms. A crash is known everywhere after about 4 s. */
  lan,
  /** Sites apart, VPNs, radio: round trips up to a second. */
  wan: {
    ...lan,
    probeMs: 3_000,
    probeTimeoutMs: 1_200,
    gossipMs: 500,
    gossipFanout: 4,
    suspicion: 6,
    syncMs: 60_000,
    syncSettleMs: 5_000,
    syncRetryMs: 5_000,
    syncMinMs: 2_000,
    deadProbeMs: 30_000,
  },
  /** The simulator's: thousands of nodes in one process, so fewer events for each simulated second; latencies up to 80 ms. */
  sim: { ...lan, probeMs: 1_000, probeTimeoutMs: 400, gossipMs: 250, retransmit: 3, syncMs: 60_000, deadProbeMs: 30_000 },
} as const satisfies Record<string, MembershipProfile>;
