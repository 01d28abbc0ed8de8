/** The JSON of `/caravela/v1`: what Docker has no word for. CPU in millicores, memory in bytes. */

/** A list that misses nodes says so here: their names, separated by `, `. */
export const UNREACHABLE_HEADER = 'Caravela-Unreachable';

export interface Vector {
  cpuMillicores: number;
  memoryBytes: number;
}

/** One row of GET /caravela/v1/nodes. */
export interface NodeRow {
  id: string;
  name: string;
  /** `ip:port` of its control port. */
  address: string;
  /** alive, suspect, dead, left; draining shows as `draining`. */
  state: string;
  class: 'low' | 'high';
  arch: string;
  labels: Record<string, string>;
  cpus: { capacity: number; reserved: number };
  memory: { capacity: number; reserved: number };
  /** Containers on it; −1 where it did not answer. */
  containers: number;
  version: string;
  /** In agreement: `agreement` (it takes part), `learner` (it is about to), `none`, or `no etcd` (it can't). Of a node that did not answer: as far as known. */
  role: string;
}

/** GET /caravela/v1/instance. */
export interface InstanceRow {
  instanceId: string;
  /** Node id of who made it. */
  creator: string;
  nodeId: string;
  nodeName: string;
  open: boolean;
  insecureRegistries: string[];
}

/** Body of POST /caravela/v1/tokens. */
export interface TokenCreateBody {
  ttlSeconds: number;
  singleUse: boolean;
}

/** One row of GET /caravela/v1/tokens. Times are ms since 1970. */
export interface TokenRow {
  id: string;
  createdAtMs: number;
  expiresAtMs: number;
  singleUse: boolean;
  /** A single-use token that let its node in. */
  used: boolean;
}

/** Answer of POST /caravela/v1/tokens: the only time the whole token is shown. */
export interface TokenCreated extends TokenRow {
  token: string;
}

/** GET /caravela/v1/agreement: how agreement does, as the asked node sees it. */
export interface AgreementRow {
  /** Whether a majority of the members answers. */
  hasQuorum: boolean;
  /** What of it the asked node has. */
  version: AgreedVersionRow;
  members: AgreementMemberRow[];
  /** How many there should be at this size of the instance. */
  wanted: number;
  /** Whether the asked node could be one: etcd is installed. */
  isCandidate: boolean;
  /** What stands in the way, in sentences. */
  troubles: string[];
}

export interface AgreementMemberRow {
  node: string;
  name: string;
  /** leader, follower, learner or unknown. */
  role: string;
  isReachable: boolean;
  term: number;
  index: number;
  /** Of its database, on disk. */
  bytes: number;
}

export interface AgreedVersionRow {
  /** Grows with each recover and restore. */
  epoch: number;
  revision: number;
}

/** Answer of DELETE /caravela/v1/nodes/{name}. */
export interface RemovedNodeRow {
  id: string;
  name: string;
  number: number;
}

/** Body of POST /caravela/v1/leave. */
export interface LeaveBody {
  force: boolean;
}

/** One node's answer to a run. `reason` is absent when it accepted or another was preferred. */
export interface ConsideredRow {
  nodeId: string;
  name: string;
  accepted: boolean;
  reason?: string;
  detail: string;
  free?: Vector;
  /** Lower is better. */
  score?: number;
}

/** How a run came to its end: GET /caravela/v1/explain/{container}, and beside the message of a refusal. */
export interface PlacementRow {
  requestId: string;
  wanted: Vector;
  policy: string;
  buyer: string;
  buyerName?: string;
  supplier?: string;
  supplierName?: string;
  attempts: number;
  /** directory, direct or none. */
  by: string;
  tookMs: number;
  considered: ConsideredRow[];
  /** Wishes that nobody who had room met; absent where there were none. */
  givenUp?: string[];
}

/** One row of GET /caravela/v1/offers: what this node holds as a trader. */
export interface OfferRow {
  supplier: string;
  name: string;
  class: string;
  arch: string;
  free: Vector;
  labels: Record<string, string>;
  draining: boolean;
  ttlMs: number;
}

/** One row of GET /caravela/v1/hints: which regions hold offers, as this node has heard. */
export interface HintRow {
  /** Buckets are ⌊log2⌋ of free CPU by 250 m, of free memory by 64 MiB. */
  region: { class: string; cpuBucket: number; memoryBucket: number };
  /** The region for people: `class low, 1 to 2 CPUs and 512 MiB to 1 GiB free`. */
  words: string;
  /** About so many. */
  offers: number;
  shards: number;
  countLevel: number;
  splitLevel: number;
  /** Wall-clock seconds at who wrote it. */
  stamp: number;
  /** By this node's clock. */
  ageMs: number;
}

/** One row of GET /caravela/v1/network/doctor: what a node looked at. */
export interface FindingRow {
  check: string;
  state: 'ok' | 'warning' | 'problem';
  seen: string;
  /** What to do; '' where nothing is. */
  advice: string;
}
