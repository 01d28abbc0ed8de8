import type { Considered, Seen } from './explain.ts';
import type { ContainerId, NodeId, RequestId } from './ids.ts';
import type { Epoch, Member, MemberState } from './member.ts';
import type { Hint, Offer, Region } from './offer.ts';
import type { AgreedVersion } from './network.ts';
import type { Need, Request } from './request.ts';
import type { Resources } from './resources.ts';
import type { CoreError } from './errors.ts';
import type { RefusalReason } from './explain.ts';
import type { NameEntry, NameGone, NameHolder, NameKey, NameRow } from './names.ts';

/** What gossip carries: a whole record for news about who a node is, a few bytes for news about its state. */
export type Rumour =
  | { readonly kind: 'record'; readonly member: Member }
  | {
      readonly kind: 'state';
      /** The first 16 hex digits of the node's id. */
      readonly shortId: string;
      readonly incarnation: number;
      readonly state: Exclude<MemberState, 'alive'>;
      /** Who says so: Lifeguard counts independent suspicions. First 16 hex digits. */
      readonly from: string;
    };

/** Piggybacked on every SWIM message. */
export interface Piggyback {
  readonly gossip: readonly Rumour[];
  readonly hints: readonly Hint[];
  /** What the sender has of the agreed state; undefined: nothing yet. */
  readonly agreed?: AgreedVersion | undefined;
}

// ---- membership (SWIM, Lifeguard) ----
export type Ping = Piggyback & {
  readonly kind: 'ping';
  readonly sequence: number;
  /** Whom the sender means: another node at a reused address must not answer. */
  readonly target: NodeId;
};
export type PingRequest = Piggyback & { readonly kind: 'ping-request'; readonly sequence: number; readonly target: NodeId };
export type Ack = Piggyback & { readonly kind: 'ack'; readonly sequence: number };
/** From an intermediary that is alive but did not reach the target in time (Lifeguard). */
export type Nack = { readonly kind: 'nack'; readonly sequence: number };
export type Gossip = Piggyback & { readonly kind: 'gossip' };
/** 256 bucket hashes of the sender's table; empty: send all. */
export type SyncRequest = { readonly kind: 'sync-request'; readonly buckets: readonly number[] };
/** Members of the buckets that differ; `wanted`: buckets the answerer would like back. */
export type SyncReply = { readonly kind: 'sync-reply'; readonly members: readonly Member[]; readonly wanted: readonly number[] };

// ---- discovery ----
export type Publish = { readonly kind: 'publish'; readonly region: Region; readonly shard: number; readonly offer: Offer };
export type Withdraw = { readonly kind: 'withdraw'; readonly region: Region; readonly shard: number; readonly epoch: Epoch };
/** Travels from trader to trader; bounded by `asked` (DESIGN §6, Find, delegated). */
export type Find = {
  readonly kind: 'find';
  readonly need: Need;
  readonly region: Region;
  readonly shard: number;
  readonly asked: number;
  readonly shedDone: boolean;
  readonly refusals: number;
  /** Regions asked before: keys as in regionKey. */
  readonly used: readonly string[];
  /** For `explain`, and soft: left out where the message would be long. */
  readonly trail: readonly Seen[];
  /** Only asks who would take it: a trader that has some answers with `candidates`, and nothing is held. */
  readonly plan: boolean;
};
/** A trader's answer to a plan's find: who fits by its offers, best first, at most LIMITS.candidates. */
export type Candidates = {
  readonly kind: 'candidates';
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly candidates: readonly Seen[];
};
/** From a trader to a supplier it chose for `need.buyer`. */
export type Reserve = {
  readonly kind: 'reserve';
  readonly need: Need;
  /** Echoed, so that the trader can go on with the same find after a refusal. */
  readonly region: Region;
  readonly shard: number;
  readonly asked: number;
  readonly shedDone: boolean;
  readonly refusals: number;
  readonly used: readonly string[];
  readonly trail: readonly Seen[];
  /** True when the buyer itself asks, in the direct round. */
  readonly direct: boolean;
};
export type Accept = {
  readonly kind: 'accept';
  readonly requestId: RequestId;
  readonly attempt: number;
  /** Free after this hold. */
  readonly free: Resources;
  readonly epoch: Epoch;
  readonly holdMs: number;
  /** Whose it is: the trader hears it for its own figures only. */
  readonly buyer: NodeId;
  /** The reserve's; empty to the trader. */
  readonly trail: readonly Seen[];
};
export type Refuse = {
  readonly kind: 'refuse';
  readonly need: Need;
  readonly region: Region;
  readonly shard: number;
  readonly asked: number;
  readonly shedDone: boolean;
  readonly refusals: number;
  readonly used: readonly string[];
  readonly trail: readonly Seen[];
  readonly direct: boolean;
  readonly reason: RefusalReason;
  readonly detail: string;
  readonly free: Resources;
  readonly epoch: Epoch;
};
/** No trader found one: to the buyer. */
export type NotFound = {
  readonly kind: 'not-found';
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly asked: number;
  readonly considered: readonly Considered[];
};
/** Buyer to supplier and trader: give the hold back. Attempts up to and including `attempt`. */
export type Cancel = {
  readonly kind: 'cancel';
  readonly requestId: RequestId;
  readonly attempt: number;
  /** Remove what was launched for it, too, unless it was started: another part of its stack failed. */
  readonly takeBack: boolean;
};
/** Buyer to supplier: still working on it. */
export type Renew = { readonly kind: 'renew'; readonly requestId: RequestId; readonly attempt: number };
/** The direct round of small instances: what is truly free, and does it fit? Holds nothing. */
export type Ask = { readonly kind: 'ask'; readonly need: Need };
export type Answer = {
  readonly kind: 'answer';
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly free: Resources;
  readonly epoch: Epoch;
  readonly reason: RefusalReason | undefined;
  readonly detail: string;
};

// ---- launch (streams) ----
/** A co-location group's one hold: its parts, whose resources add up to what is held. */
export interface GroupHold {
  /** Under which the hold was made: its first part's. */
  readonly hold: RequestId;
  /** In the stack's order, at most LIMITS.stack. */
  readonly parts: readonly GroupPart[];
}
export interface GroupPart {
  readonly requestId: RequestId;
  readonly resources: Resources;
  /** Of its own spec; the hold's need carries a digest over all of these (model/digest.ts). */
  readonly specDigest: string;
}
export const LAUNCH_PHASES = ['recorded', 'ready', 'started'] as const;
export type Launch = {
  readonly kind: 'launch';
  readonly request: Request;
  readonly attempt: number;
  /** JSON of the Placement. */
  readonly placement: string;
  /** Where the hold was made for several requests. */
  readonly group: GroupHold | undefined;
};
/** `recorded`: durable on the supplier; `ready`: image there, can be started; `started`: so it can't be taken back. */
export type Launched = {
  readonly kind: 'launched';
  readonly requestId: RequestId;
  readonly containerId: ContainerId;
  readonly attempt: number;
  readonly phase: (typeof LAUNCH_PHASES)[number];
};
export type LaunchRefused = {
  readonly kind: 'launch-refused';
  readonly requestId: RequestId;
  readonly containerId: ContainerId;
  readonly attempt: number;
  readonly error: CoreError;
};

// ---- the name directory ----
/** From the node that has the containers to the owner of the keys; answered by `registered`. */
export type Register = {
  readonly kind: 'register';
  /** An owner takes nothing older than what it has had from the same node. */
  readonly epoch: Epoch;
  /**
   * The owner's incarnation, as far as its sender knew: an owner that has restarted since has forgotten what it had from
   * the same node, and would take for new what was long on its way. Undefined: it is not known.
   */
  readonly ownerIncarnation: number | undefined;
  readonly rows: readonly NameRow[];
  /** What stood there and no longer should. */
  readonly gone: readonly NameGone[];
};
export type Registered = { readonly kind: 'registered'; readonly epoch: Epoch };
/** From a buyer to the name's owner, before it places the container and while it does. */
export type NameClaim = {
  readonly kind: 'name-claim';
  readonly requestId: RequestId;
  readonly containerId: ContainerId;
  readonly name: string;
  /** Who the buyer was told has the name, and whose node says that it has not. */
  readonly doubted: NameHolder | undefined;
};
export type NameClaimed = {
  readonly kind: 'name-claimed';
  readonly requestId: RequestId;
  /** Undefined: the name is the claimer's. */
  readonly holder: NameHolder | undefined;
};
/** The run came to nothing. */
export type NameRelease = { readonly kind: 'name-release'; readonly containerId: ContainerId; readonly name: string };
/** From a name's owner to the node of the younger of two containers: give it another. Repeated until it has. */
export type NameConflict = {
  readonly kind: 'name-conflict';
  readonly containerId: ContainerId;
  readonly name: string;
  /** Who keeps the name. */
  readonly keeper: NameHolder;
  readonly keeperCreatedAtMs: number;
};
export type LookUpMessage = {
  readonly kind: 'look-up';
  readonly question: number;
  readonly key: NameKey;
  /** About the asked node's own containers and claims, not about what is registered with it. */
  readonly own: boolean;
};
export type FoundMessage = {
  readonly kind: 'found';
  readonly question: number;
  readonly entries: readonly NameEntry[];
  readonly complete: boolean;
};

export type NameMessage = Register | Registered | NameClaim | NameClaimed | NameRelease | NameConflict | LookUpMessage | FoundMessage;
export type MembershipMessage = Ping | PingRequest | Ack | Nack | Gossip | SyncRequest | SyncReply;
export type DiscoveryMessage = Publish | Withdraw | Find | NotFound | Candidates;
export type SupplierMessage = Reserve | Cancel | Renew | Ask | Launch;
/** To a buyer (accept goes to the trader, too; refuse to whoever sent the reserve). */
export type BuyerMessage = Accept | Refuse | NotFound | Candidates | Answer | Launched | LaunchRefused;
export type Message = MembershipMessage | DiscoveryMessage | SupplierMessage | BuyerMessage | NameMessage;
export type MessageKind = Message['kind'];

/** Kinds that always travel over HTTP/2; every other goes as a datagram while it fits LIMITS.datagramBytes sealed. */
export const STREAM_KINDS: ReadonlySet<MessageKind> = new Set(['sync-request', 'sync-reply', 'launch', 'launched', 'launch-refused']);
