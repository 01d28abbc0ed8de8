import type { Cidr } from '../../lib/ipv4.ts';
import type { Prng } from '../../lib/prng.ts';
import type { AgreedVersion, ContainerId, Lease, NetworkId, NodeId } from '../model/index.ts';

/** Of one `take` or `keepOne`; given by the caller, never used twice. */
export type TakeId = number & { readonly takeBrand: unique symbol };
/** Of one request that this node answers; given by the caller. */
export type LeaseRequestId = number & { readonly leaseRequestBrand: unique symbol };
/** Of one read, change or question of the machine: its answer comes back with it. */
export type LeaseToken = number & { readonly leaseTokenBrand: unique symbol };

/** What of a network decides which addresses can be handed out. */
export interface NetworkFacts {
  readonly subnet: Cidr;
  readonly gateway: number;
}

/** A network and its leases as this node's copy of the agreed state has them; `facts` undefined: it knows no such network. */
export interface NetworkCopy {
  readonly network: NetworkId;
  readonly facts: NetworkFacts | undefined;
  readonly leases: readonly Lease[];
  readonly version: AgreedVersion;
}

export interface LeaseChange {
  readonly add: readonly Lease[];
  readonly remove: readonly Lease[];
}

/** A change that gives addresses up and whose outcome is not known: they are nobody's until it is. */
export interface PendingChange extends LeaseChange {
  /** It can be committed only while the guard stands here. */
  readonly guard: number;
}

/** What the machine wants back of a network after a restart. */
export interface KeptNetwork {
  readonly network: NetworkId;
  readonly pending: PendingChange | undefined;
  /** What this node gave up is gone from this version on: an older copy of the agreed state shows leases it has no more. */
  readonly floor: AgreedVersion | undefined;
  /** Addresses given back last, oldest first: they are not handed out first. */
  readonly recent: readonly number[];
}

/** At most one of each network. */
export type KeptLeases = readonly KeptNetwork[];

/** An address that a container of this node has. */
export interface KeptAddress {
  readonly network: NetworkId;
  readonly container: ContainerId;
  readonly address: number;
}

/** What one node asks another, which alone may decide it: it knows what is in use. */
export type LeaseRequest =
  /** Let me have this one address of yours (`--ip`). */
  | { readonly kind: 'cede'; readonly network: NetworkId; readonly address: number }
  /** I have no address left and nothing is free: give up what you don't use. */
  | { readonly kind: 'reclaim'; readonly network: NetworkId }
  /** The network is to be removed: return all. */
  | { readonly kind: 'return'; readonly network: NetworkId };

export type LeaseAnswer =
  /** Committed: read what is agreed. */
  | { readonly kind: 'given' }
  /** `by`: one of the containers that have it. */
  | { readonly kind: 'in-use'; readonly by: ContainerId | undefined }
  /** The address is not (or no more) the asked node's to give. */
  | { readonly kind: 'not-mine' }
  /** Nothing idle. */
  | { readonly kind: 'none' }
  /** The asked node could not agree it. */
  | { readonly kind: 'no-agreement' };

/** A guard says something within its epoch only: each recover or restore counts revisions anew. */
export type LeasesAnswer = { readonly leases: readonly Lease[]; readonly guard: number; readonly epoch: number } | 'unavailable';

/** `unavailable`: nothing was written; `unknown`: perhaps something was. */
export type ChangeAnswer = 'done' | 'moved' | 'no-network' | 'unavailable' | 'unknown';

/** Why a container can't have an address, with the facts for words. */
export type TakeRefusal =
  /** `silent`: holders that did not answer; they may have some unused. */
  | { readonly code: 'exhausted'; readonly usable: number; readonly holders: number; readonly silent: readonly NodeId[] }
  | { readonly code: 'in-use'; readonly holder: NodeId; readonly by: ContainerId | undefined }
  /** It lies in the holder's block, and the holder did not answer. */
  | { readonly code: 'in-use'; readonly silent: NodeId }
  | { readonly code: 'out-of-subnet'; readonly why: 'outside' | 'network' | 'broadcast' | 'gateway' }
  | { readonly code: 'no-agreement'; readonly why: 'unavailable' | 'contended' | 'too-many' }
  | { readonly code: 'no-network' }
  | { readonly code: 'given-up' };

export interface LeaseTimer {
  readonly name: 'take' | 'ahead' | 'idle' | 'again' | 'resolve' | 'keep';
  /** '' for `keep`, which is about all. */
  readonly network: NetworkId | '';
  /** A stale timer is told by it. */
  readonly token: number;
}

/**
 * One turn of the machine: randomness, and where its effects go. Effects are performed in order, after
 * the input returned; their answers are later inputs.
 */
export interface LeaseTurn {
  readonly random: Prng;
  setTimer(timer: LeaseTimer, afterMs: number): void;
  /** Linearizable. Answered by `read`. */
  readLeases(token: LeaseToken, network: NetworkId): void;
  /**
   * Answered by `changed`. An empty change moves the guard, too. `keep` must be durable before the change is tried; where the disk does not take it,
   * the answer is `unavailable`. A change that was done is told by `agreedChanged` before its answer.
   */
  changeLeases(token: LeaseToken, network: NetworkId, guard: number, change: LeaseChange, keep: KeptLeases | undefined): void;
  /** Answered by `asked`. */
  ask(token: LeaseToken, to: NodeId, request: LeaseRequest): void;
  answer(request: LeaseRequestId, answer: LeaseAnswer): void;
  /** `address` undefined: of a `keepOne`. */
  granted(take: TakeId, address: number | undefined): void;
  refused(take: TakeId, refusal: TakeRefusal): void;
  /** The container's address is leased to this node no more. Told once. */
  renumber(network: NetworkId, container: ContainerId): void;
  /** In place of what was kept before; may be lost. */
  keep(kept: KeptLeases): void;
}
