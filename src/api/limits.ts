/** Every bound of the API server (DESIGN §2.9). Sizes in bytes, times in ms. */
export const API_LIMITS = {
  /** How long a question to every node may take; who is silent after that is named. */
  askDeadlineMs: 1_500,
  /** How long all nodes together may take to remove what is pruned. */
  pruneDeadlineMs: 60_000,
  /** Up to so many alive nodes, all are asked for a name; beyond, the name directory is. */
  smallInstance: 64,
  /** Peers asked at one time. */
  askParallel: 256,
  /** One peer's answer to a list. */
  answerBytes: 16 * 1024 * 1024,
  /** A snapshot of what is agreed. */
  snapshotBytes: 256 * 1024 * 1024,
  /** A JSON body from a client. A container's spec has LIMITS.specBytes. */
  jsonBodyBytes: 2 * 1024 * 1024,
  /** The key of a constraint or affinity, and the value of a constraint: a label's (LIMITS.labelBytes), and globs. */
  expressionKeyBytes: 256,
  constraintValueBytes: 320,
  /** One of them in all, before it is read. */
  expressionChars: 1_024,
  /** Texts of constraints and affinities in a body, before those of the environment are counted. */
  expressions: 64,
  /** Entries of `--dns`, `--dns-search` and `--dns-option`, each, and of `--add-host`. */
  dnsEntries: 32,
  extraHosts: 256,
  /** Mounts of one container, of all kinds together; and its devices. */
  mounts: 256,
  devices: 64,
  /** The decoded X-Registry-Auth header. */
  registryAuthBytes: 16 * 1024,
  /**
   * Time to the headers of a proxied request, beyond what the request itself asks for. A stop may take as
   * long as its container was given; a node that is gone is noticed by pings long before.
   */
  proxyHeadersMs: 3_600_000,
  /** How long a node waits to hear of a network that a peer knows, and how often it looks. */
  agreedWaitMs: 2_000,
  agreedPollMs: 25,
  /** From a connection to the end of its request's headers. */
  headersMs: 60_000,
  /** Streams and waits open at one time. */
  viewers: 1_024,
  /** Connections to the socket. */
  connections: 2_048,
  /** Events one slow reader may fall behind before it is cut off. */
  eventsBehind: 1_024,
  /** Past events of this node that `since` can bring back: as many as Docker keeps. */
  eventsKept: 256,
  /** Pull progress lines kept for a slow reader; newer ones replace older ones of the same layer. */
  progressBehind: 256,
  /** Processes that `exec` made or was asked for, of this node; and how long one that ended can be asked about. */
  execs: 4_096,
  execKeptMs: 300_000,
  /** Between two measurements of `stats`. */
  statsEveryMs: 1_000,
  /** Remembered places of containers on other nodes. */
  whereabouts: 4_096,
  /** Containers returned by one list. */
  listRows: 65_536,
  /** Values of one filter. */
  filterValues: 256,
  pathParameterBytes: 512,
  /** How much longer than the time-out given a stop may take until the end is seen. */
  stopSlackMs: 30_000,
  /** Docker's default between SIGTERM and SIGKILL. */
  stopTimeoutMs: 10_000,
  /** Open requests may finish for this long when the server closes. */
  closeGraceMs: 500,
} as const;
