import type { Readable } from 'node:stream';
import type { AgreedVersion, NodeId } from '../../core/model/index.ts';
import type { ReplicatedStore } from '../port.ts';

/**
 * What the daemon uses of the agreement engine. Every node has one of these; on one, three or five of them it
 * runs etcd. The nodes choose these members themselves: the engine's leader adds, promotes and removes, one
 * change at a time (DESIGN §9b).
 */
export interface AgreementHost {
  /**
   * Reads and writes by this node's own member; undefined where it is none, or is still being brought up to date. Without
   * a majority it is there, and refuses. A store whose cluster is over fails, and its watches end: see `onStore`.
   */
  readonly store: ReplicatedStore | undefined;
  /** Whether this node runs a member, or will again after a restart; a learner counts. */
  readonly isMember: boolean;
  /** A member that does not count yet. */
  readonly isLearner: boolean;
  /** Whether this node could be a member: etcd is installed. */
  readonly isCandidate: boolean;
  /**
   * `caravela create`: the first member of a new instance, with nothing agreed but epoch 1. Resolves once the store
   * answers; repeated after a crash in its midst it begins anew. @throws Error in words: etcd is missing, the port is taken
   */
  found(): Promise<void>;
  /** Runs the member that this node was, if any, without waiting for a majority; repeated: nothing. Never throws for etcd's sake: see status. */
  start(): void;
  /** The host's address changed, or what `nodes()` tells: names are pointed anew, the member listens anew. Cheap; call it freely. */
  refresh(): void;
  /** Another node knows this epoch: where ours is older, our member belongs to the past and is wiped (then a non-member, invited again). */
  epochSeen(epoch: number): void;
  /** Members as known here: by a member from the engine, else from the agreed copy. */
  memberNodes(): readonly NodeId[];
  /** Asks all members, at most 1.5 s. */
  status(): Promise<MembersStatus>;
  /** What peers ask under MEMBERS_PATH. `from` is authenticated. */
  servePeer(from: NodeId, path: string, body: Buffer): Promise<PeerAnswer>;
  /** Before `leave`: another takes over (where there is a candidate), then this node is no member, and for a while no candidate. At most 30 s. */
  handOver(): Promise<HandedOver>;
  /**
   * A new cluster of this one member, with these entries and epoch; what its member had before is wiped. Whether
   * that is right the caller decides by `status`. Members of the old cluster end when they hear of the epoch.
   * Resolves once the store answers. @throws Error in words; then this node is no member
   */
  recoverFrom(entries: Iterable<{ readonly key: string; readonly value: string }>, epoch: number): Promise<AgreedVersion>;
  /** Ends etcd within seconds (a leader passes leadership on) and leaves its data. */
  close(): Promise<void>;
  /** After `close`: removes all that it kept. */
  wipe(): void;
}

export type HandedOver = 'not-a-member' | 'handed-over' | 'nobody-to-take-over' | 'failed';

/** Requests to a member's or a candidate's daemon: POST, JSON, at most MEMBERS_BODY_BYTES. */
export const MEMBERS_PATH = '/agreement/members/';
export const MEMBERS_BODY_BYTES = 64 * 1024;

/**
 * The key under which the leader writes who the members are, for nodes that are none: JSON `{"v":1,"members":[NodeId]}`.
 * It is part of the agreed state and reaches every copy with it.
 */
export const MEMBERS_KEY = '/caravela/v1/agreement/members';

export interface AgreementHostOptions {
  readonly nodeId: NodeId;
  /** Tells clusters of different instances apart. */
  readonly instanceId: string;
  /** Everything that must survive: etcd's data, its key, what kind of member this is. Made on need, 0700. */
  readonly dir: string;
  /** Sockets and the hosts file; made on need, 0700. Its path has at most 80 bytes: a socket's name has a limit. */
  readonly runDir: string;
  /** Between members, on `ip()`: 2380. */
  readonly peerPort: number;
  /** The program and what runs it; by default `etcd` of PATH or the usual folders; empty: there is none. */
  readonly etcdCommand?: readonly string[];
  readonly trust: MemberTrust;
  readonly facts: MemberFacts;
  /** One request to a node's daemon over mutual TLS: transport's `request`. */
  request(to: NodeId, request: MemberRequest): Promise<MemberResponse>;
  /** This node became a member, its store can be used; or ceased to be one. `removed`: what only members may hold must go (the CA key). */
  onStore(store: ReplicatedStore | undefined, why: StoreChange): void;
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, facts: Readonly<Record<string, unknown>>): void;
  /** Monotonic. */
  nowMs(): number;
  /** 0 ≤ x < 1. */
  random?(): number;
  readonly tuning?: Partial<MemberTuning>;
}

export type StoreChange = 'founded' | 'started' | 'invited' | 'recovered' | 'removed' | 'closed';

/** Certificates and what a new member must be given. */
export interface MemberTrust {
  readonly caPem: string;
  /** A new P-256 key and a certificate request for it. */
  createRequest(): Promise<{ readonly privateKeyPem: string; readonly requestPem: string }>;
  /** Where the CA key lies, so on members: a leaf with these DNS names, serverAuth and clientAuth. */
  signLeaf(requestPem: string, dnsNames: readonly string[]): Promise<string>;
  /** The CA key. */
  secretsForMember(): string;
  /** @throws Error where it is not this instance's: then the invitation is refused. */
  onSecrets(secrets: string): void;
}

/** What the daemon knows by gossip. */
export interface MemberFacts {
  /** Current address of the underlay; undefined: none yet, the member waits. */
  ip(): string | undefined;
  /** All nodes of the instance that have not left, this one too. */
  nodes(): readonly NodeFact[];
  /** For people. */
  nameOf(id: NodeId): string;
  /** Left or removed for good, as gossip or the agreed state says: a member there is taken out at once. */
  hasLeft(id: NodeId): boolean;
  /** From MEMBERS_KEY in this node's copy of the agreed state. */
  knownMembers(): readonly NodeId[];
}

export interface NodeFact {
  readonly id: NodeId;
  readonly ip: string;
  readonly isAlive: boolean;
  /** Whether etcd is installed there; undefined: not known, it is asked. */
  readonly isCandidate: boolean | undefined;
}

export interface MemberRequest {
  readonly method: 'POST';
  readonly path: string;
  readonly body: Buffer;
  readonly timeoutMs: number;
}

export interface MemberResponse {
  readonly status: number;
  readonly body: Readable;
}

export interface PeerAnswer {
  readonly status: number;
  readonly body: Buffer;
}

export interface MembersStatus {
  /** Whether a majority answers now, as far as this node can see. */
  readonly hasQuorum: boolean;
  /** How many members there should be at this size of the instance. */
  readonly wanted: number;
  readonly isCandidate: boolean;
  readonly members: readonly MemberReport[];
  /** What stands in the way, in sentences. */
  readonly troubles: readonly string[];
}

export interface MemberReport {
  readonly node: NodeId;
  readonly role: 'leader' | 'follower' | 'learner' | 'unknown';
  /** Its daemon answered; and its engine did, too. */
  readonly hasAnswered: boolean;
  readonly isReachable: boolean;
  readonly epoch: number;
  /** 0 where it is not reachable. Of several that survived, the one with the highest (term, index) has the most. */
  readonly term: number;
  readonly index: number;
  /** Of its database, on disk. */
  readonly bytes: number;
}

/** Times in ms. */
export interface MemberTuning {
  /** Size of the engine's database at which it takes no more; room is then made by itself. */
  readonly quotaBytes: number;
  /** Raft's; the same on all members. */
  readonly heartbeatMs: number;
  readonly electionMs: number;
  /** How often a member looks after members, and the leader decides. */
  readonly tickMs: number;
  /** The same while nothing changes: a look asks the engine, and all members ask each other. */
  readonly restMs: number;
  /** A member whose node is dead for this long is replaced. */
  readonly replaceAfterMs: number;
  /** A node that would not or could not become a member is not asked again for this long. */
  readonly refusedMs: number;
}

export const DEFAULT_TUNING: MemberTuning = {
  quotaBytes: 512 * 1024 * 1024,
  heartbeatMs: 100,
  electionMs: 1_000,
  tickMs: 2_000,
  restMs: 10_000,
  replaceAfterMs: 300_000,
  refusedMs: 300_000,
};
