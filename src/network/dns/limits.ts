/** Bounds and times of the DNS server. Sizes in bytes, times in ms. */
export const DNS_LIMITS = {
  /** A question is short; decoding a long one would cost all others time. */
  queryBytes: 4_096,
  /** What a client without EDNS takes over UDP (RFC 1035 §4.2.1), and what we send at most (DNS flag day 2020). */
  plainUdpBytes: 512,
  udpBytes: 1_232,
  /** Addresses or names of one answer. */
  answers: 256,
  /** How long an answer about a name of ours may be kept by its client: a container may be elsewhere soon. Seconds. */
  ttlSeconds: 2,
  /** How long we keep what the directory said: that there is one, and that there is none. */
  knownMs: 1_000,
  missMs: 100,
  known: 4_096,
  /** Longer than a look-up takes; a client waits for 5 s. */
  lookUpMs: 4_000,
  /** Questions under way at the directory or at other servers, in all and of one client. */
  underWay: 1_024,
  underWayPerSource: 128,
  /** Questions a second of one client, in the long run and at once. */
  perSecond: 1_000,
  burst: 2_000,
  sources: 8_192,
  upstreamMs: 2_000,
  /** Servers that are asked before a question is given up; a lone one is asked twice. */
  upstreamTries: 3,
  /** A server that kept silent is asked last for so long. */
  shunMs: 10_000,
  shunned: 64,
  tcpConnections: 256,
  tcpPerSource: 16,
  tcpIdleMs: 10_000,
  tcpPipelined: 16,
  /** Answers that a client has not read yet. */
  tcpUnreadBytes: 128 * 1024,
  /** Between two tries to bind: the first, which doubles, and the last. */
  bindFirstMs: 50,
  bindLastMs: 5_000,
  /** Between two tries: once so long, that a gateway's address is missing is told. */
  addressMs: 800,
  /** The host's resolv.conf is read again after this. */
  hostServersMs: 5_000,
  /** Servers taken of a list, as the C library does. */
  servers: 8,
  searchDomains: 32,
} as const;
