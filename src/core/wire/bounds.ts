/** Bounds of the wire that no other part of the core needs; the rest are LIMITS. Sizes in bytes. */
export const WIRE_BOUNDS = {
  /** Go's names for architectures are up to 8. */
  archBytes: 32,
  arches: 16,
  /** An IPv6 literal with an embedded IPv4 one. */
  ipBytes: 45,
  versionBytes: 64,
  signalBytes: 16,
  /** A label's key or value can't be longer than LIMITS.labelBytes; a glob over it may be a little. */
  constraintBytes: 320,
  /** An image reference, or a glob over it. */
  affinityBytes: 544,
  /** A region key such as `high/12/-4`. */
  regionKeyBytes: 24,
  /** Regions one find has asked: eight queries and what shedding adds. */
  regionsUsed: 32,
  /** A sentence on why not. Cut off beyond. */
  detailBytes: 256,
  /** The same, of a node that a find met on its way: a few of them must fit a datagram. Cut off beyond. */
  seenBytes: 64,
  /** An engine's own words. Cut off beyond. */
  errorBytes: 4_096,
  /** A placement with LIMITS.considered entries, as JSON. */
  placementBytes: 128 * 1_024,
  /** Hashes of a membership table in a sync. */
  buckets: 256,
} as const;
