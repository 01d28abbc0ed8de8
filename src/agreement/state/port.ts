import type { AgreedNetwork, AgreedNode, AgreedVersion, Lease, NetworkId, NodeId } from '../../core/model/index.ts';
import type { AgreedVolume } from './fact.ts';

/** What a change of this node's copy touched. */
export interface AgreedChange {
  readonly networks: ReadonlySet<NetworkId>;
  /** Of these networks leases came or went. */
  readonly leases: ReadonlySet<NetworkId>;
  readonly nodes: boolean;
  /** Another epoch: anything may differ. */
  readonly all: boolean;
}

/** All leases of a network as of now, and the revision of the guard that each change of them moves. */
export interface LeasesRead {
  readonly leases: readonly Lease[];
  readonly guard: number;
  /** A guard says something within it only: each recover or restore counts revisions anew. */
  readonly epoch: number;
}

export type NetworkCreated =
  | { readonly ok: true }
  /** Another network has the name, an overlapping subnet, or the VNI. */
  | { readonly ok: false; readonly clash: 'name' | 'subnet' | 'vni'; readonly with: AgreedNetwork };

/**
 * This node's durable copy of the agreed state, and the only way to change what is agreed. Reads answer from
 * the copy at once, without agreement; changes read linearizably what they decide by. All changes throw
 * AgreementUnavailable; one whose answer was lost is recognised when it is repeated.
 */
export interface AgreedState {
  version(): AgreedVersion;
  networks(): readonly AgreedNetwork[];
  network(id: NetworkId): AgreedNetwork | undefined;
  leases(network: NetworkId): readonly Lease[];
  leasesOf(node: NodeId): readonly Lease[];
  nodes(): readonly AgreedNode[];
  node(id: NodeId): AgreedNode | undefined;
  /** Named volumes of nodes that are in the instance. */
  volumes(): readonly AgreedVolume[];
  volume(name: string): AgreedVolume | undefined;
  /** Returns the way to stop listening. A change made here is in the copy before its promise resolves. */
  onChange(listener: (change: AgreedChange) => void): () => void;

  createNetwork(network: AgreedNetwork): Promise<NetworkCreated>;
  /** `leased`: some node still has a lease of it. */
  removeNetwork(id: NetworkId): Promise<'removed' | 'absent' | { readonly leased: readonly NodeId[] }>;
  readLeases(network: NetworkId): Promise<LeasesRead>;
  /** Only where nobody changed the network's leases since `guard`, and the network exists. */
  changeLeases(
    network: NetworkId,
    guard: number,
    change: { readonly add: readonly Lease[]; readonly remove: readonly Lease[] },
  ): Promise<'done' | 'moved' | 'no-network'>;
  /**
   * Makes a volume the node's, unless another node that is in the instance has it. Whose it is now, and since when: who
   * repeats gets the same. What this copy shows as the node's own is so without asking anybody.
   * @throws RangeError for a name that is none; Error where the node is not in, or there are LIMITS.volumes
   */
  claimVolume(name: string, node: NodeId, nowMs: number): Promise<AgreedVolume>;
  /** It is nobody's any more, if it was the node's. */
  releaseVolume(name: string, node: NodeId): Promise<void>;
}

/** Who belongs to the instance, as agreed. All throw AgreementUnavailable; all may be repeated. */
export interface NodeChanges {
  /**
   * Gives a node its name (a taken one gets `-2`, `-3` …) and its number, once: who asks again gets the same.
   * @throws NodeGone for a node that was removed
   */
  admitNode(id: NodeId, wantedName: string, nowMs: number): Promise<AgreedNode>;
  /**
   * It left, or is removed: its name is free, its leases and volumes go, its number is never used again; of one that is
   * removed another gossip key is due. undefined: nobody knows it.
   */
  endNode(id: NodeId, state: 'left' | 'removed', nowMs: number): Promise<AgreedNode | undefined>;
  /** Leases and volumes of a node that is in no longer. May be repeated, by anybody: what was begun elsewhere is ended here. */
  returnHoldings(id: NodeId): Promise<void>;
  /**
   * Of a node that is in, and has been away for too long: its addresses are free, its name and number stay its own. It
   * finds so when it comes back, and gets others. Asked before each change: whether that is still so.
   */
  endLeases(id: NodeId, isStillAway: () => boolean): Promise<void>;
}

/** The node was removed from the instance: under this identity it never comes back. */
export class NodeGone extends Error {
  override name = 'NodeGone';
}
