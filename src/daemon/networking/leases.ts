import type { KeptAddress } from '../../core/leases/port.ts';
import type { ContainerId, NetworkId, NodeId } from '../../core/model/index.ts';

/**
 * Addresses for this node's containers, out of blocks that Raft leased to this node (DESIGN §9, Leased
 * blocks). While the node holds a free address of a network, `take` asks nobody.
 */
export interface Leases {
  /**
   * Before anything else, once: what this node's containers have. Nothing is handed out before. An address of
   * these that is not this node's any more is told to `onRenumber` as soon as the agreed state is sure of it.
   */
  start(kept: readonly KeptAddress[]): void;
  /**
   * An address for a container; the same again for one that has one. With `ip`, that one or none. The caller keeps
   * it durably (KeptAddress) before anything uses it. @throws LeaseRefused
   */
  take(network: NetworkId, container: ContainerId, ip: number | undefined): Promise<number>;
  /** The container has it no more. Waits for nobody; idempotent. A take under way for it is refused. */
  give(network: NetworkId, container: ContainerId): void;
  inUse(network: NetworkId): ReadonlyMap<ContainerId, number>;
  /** The container's address belongs to another node by now: give it and take another. Returns the way to stop listening. */
  onRenumber(listener: (container: ContainerId, network: NetworkId) => void): () => void;
  /**
   * Answers a peer's request below LEASES_PATH; `from` is who it proved to be, `body` at most
   * LEASE_BODY_BYTES of JSON. Never rejects.
   */
  servePeer(path: string, from: NodeId, body: string): Promise<PeerAnswer>;
  /** All leases of a network go back, unless a container of this node has an address there. @throws LeaseRefused no-agreement */
  returnAll(network: NetworkId): Promise<'returned' | 'in-use'>;
  /** Before a network is removed: every holder is asked for `returnAll`. Resolves to those that still hold some, and why. @throws AgreementUnavailable */
  askOthersToReturn(network: NetworkId): Promise<readonly StillHolds[]>;
  /**
   * From now on this node keeps at least one block of this network. Resolves when it has one. @throws LeaseRefused
   * where the first try failed; it goes on trying all the same.
   */
  ensureFirst(network: NetworkId): Promise<void>;
  /** No timers, no requests any more; takes under way are refused. */
  close(): void;
}

export interface PeerAnswer {
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

export interface StillHolds {
  readonly node: NodeId;
  /** `unreachable`: it did not answer. */
  readonly why: 'in-use' | 'unreachable' | 'no-agreement';
}

/** Peers ask for leases below this path, by POST. */
export const LEASES_PATH = '/network/leases/';
export const LEASE_BODY_BYTES = 4_096;

export type LeaseRefusal = 'exhausted' | 'in-use' | 'out-of-subnet' | 'no-agreement' | 'no-network';

/** A container can't have an address (or this one); the message is for people. */
export class LeaseRefused extends Error {
  override name = 'LeaseRefused';
  readonly code: LeaseRefusal;
  constructor(code: LeaseRefusal, message: string) {
    super(message);
    this.code = code;
  }
}
