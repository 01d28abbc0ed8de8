/** Every bound on what the network or a user can make grow (DESIGN §2.9). Sizes in bytes, times in ms. */
export const LIMITS = {
  /** A datagram's UDP payload, sealed. */
  datagramBytes: 1_200,
  /** A message on a stream: a launch carries a spec, a sync up to 256 buckets of members. */
  streamMessageBytes: 8 * 1024 * 1024,
  labelBytes: 256,
  labels: 32,
  /** Of a node and of a stack's group: a label of DNS (RFC 1035 §2.3.4). */
  nameBytes: 63,
  /** Of a container and of a network, as Docker's users have them; one beyond a label's 63 is not found by DNS. */
  longNameBytes: 128,
  specBytes: 1024 * 1024,
  constraints: 32,
  affinities: 16,
  containerLabels: 1_024,
  imageBytes: 512,
  /** The most of a resource, in its unit, that a message can carry. */
  amount: 2 ** 52 - 1,
  /** Containers of one stack. */
  stack: 64,
  exclude: 64,
  gossipPerPacket: 64,
  hintsPerPacket: 64,
  members: 65_536,
  /** The highest that is believed: one a second for 140 million years. Beyond, a number could no longer be raised by one. */
  incarnation: 2 ** 52,
  /** Holds one supplier keeps for one buyer, on the word of one trader, and in all. */
  holdsPerBuyer: 256,
  holdsPerTrader: 768,
  holds: 1_024,
  offersPerTrader: 65_536,
  /** Runs one node works on at a time; a further `run` is refused, saying so. */
  runs: 1_024,
  tombstones: 16_384,
  /** A container label's key or value beyond these is not found by look-up; an affinity could not name it either. */
  nameKeyBytes: 512,
  nameValueBytes: 512,
  /** Entries that a key's owner keeps of one key, and tells of it; and rows of one registration. */
  namesPerKey: 1_024,
  namesPerMessage: 512,
  /** Entries that a node keeps for others, of all keys. */
  names: 262_144,
  nameClaims: 16_384,
  /** Look-ups of one node that wait for their answer. */
  lookUps: 4_096,
  containers: 4_096,
  /** A published range counts with each of its ports. */
  hostPorts: 256,
  networksPerContainer: 16,
  /** Networks and leases of an instance; names of one endpoint. */
  networks: 4_096,
  leases: 262_144,
  /** Named volumes of an instance; characters of one name. */
  volumes: 16_384,
  volumeName: 255,
  endpointNames: 32,
  considered: 64,
  /** Characters of the words with one of them. */
  detail: 512,
  /** What a find tells of its way: the newest refusals, and the best of those that fitted, too. */
  trailRefusals: 4,
  runnersUp: 3,
  trail: 4 + 3,
  /** Whom a trader names to a plan. */
  candidates: 8,
} as const;
