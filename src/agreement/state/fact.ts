import type { AgreedNetwork, AgreedNode, Lease, NetworkId, NodeId } from '../../core/model/index.ts';

/** A join token, as agreed: nothing in it lets anybody in. Times are ms since 1970. */
export interface AgreedToken {
  /** First 12 hex digits of secretHash. */
  readonly id: string;
  /** SHA-256 of the secret, hex. */
  readonly secretHash: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly singleUse: boolean;
  /** The node that a single-use token has let in. */
  readonly usedBy: NodeId | undefined;
}

/** A named volume and the node that has it (DESIGN §7): its containers go there. */
export interface AgreedVolume {
  /** Docker's: `[a-zA-Z0-9][a-zA-Z0-9_.-]+`, at most LIMITS.volumeName characters. */
  readonly name: string;
  readonly node: NodeId;
  /** When it was first used, ms since 1970. */
  readonly createdAtMs: number;
}

/** A key that datagrams are sealed with. */
export interface AgreedGossipKey {
  /** 0–255; travels in each datagram. */
  readonly id: number;
  /** 32 bytes, base64. */
  readonly key: string;
}

/** The keys that datagrams may be sealed with, the newest last; `use`: id of the one to seal with. */
export interface AgreedGossipKeys {
  readonly use: number;
  readonly keys: readonly AgreedGossipKey[];
}

/** What one key and its value say. */
export type Fact =
  | { readonly kind: 'next-number'; readonly next: number }
  | { readonly kind: 'node'; readonly node: AgreedNode }
  | { readonly kind: 'node-name'; readonly name: string; readonly node: NodeId }
  | { readonly kind: 'token'; readonly token: AgreedToken }
  | { readonly kind: 'ca-holder'; readonly node: NodeId }
  | { readonly kind: 'members'; readonly members: readonly NodeId[] }
  | { readonly kind: 'networks-guard' }
  | { readonly kind: 'network'; readonly network: AgreedNetwork }
  | { readonly kind: 'network-name'; readonly name: string; readonly network: NetworkId }
  | { readonly kind: 'network-vni'; readonly vni: number; readonly network: NetworkId }
  | { readonly kind: 'leases-guard'; readonly network: NetworkId }
  | { readonly kind: 'lease'; readonly lease: Lease }
  | { readonly kind: 'volume'; readonly volume: AgreedVolume }
  | { readonly kind: 'gossip-keys'; readonly keys: AgreedGossipKeys }
  /** Somebody who has the keys is to be shut out: a new one is wanted. */
  | { readonly kind: 'gossip-keys-due' };
