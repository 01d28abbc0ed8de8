import type { Address, CpuClass, NodeId } from '../core/model/index.ts';

/** The same on every node: made at `create`, handed over at `join`. Kept by each node in its store. */
export interface InstanceSettings {
  readonly instanceId: string;
  readonly createdAtMs: number;
  /** Who made the instance: it was its first node, and is nothing else. */
  readonly creator: NodeId;
  /** Whether joining needs no token (`create --open`). */
  readonly open: boolean;
  /** UDP port of the overlay's VXLAN. */
  readonly vxlanPort: number;
  /** `host[:port]` of registries spoken to by plain HTTP, or whose certificate is not checked. */
  readonly insecureRegistries: readonly string[];
  /** A node that is away for so long loses its leases. Instances made by an earlier release have none: 7. */
  readonly leasesEndAfterDays?: number;
}

/** What this node is; set at create or join, kept under the store's document `node`. */
export interface NodeSettings {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly number: number;
  readonly address: Address;
  readonly class: CpuClass;
  readonly labels: Readonly<Record<string, string>>;
  readonly reserveCpuMillicores: number;
  readonly reserveMemoryBytes: number;
  /** Factor on (capacity − host reserve). */
  readonly overcommit: number;
  /** TCP, between agreement members. */
  readonly agreementPort: number;
}

/** Names of the store's documents. */
export const DOCUMENTS = {
  node: 'node',
  instance: 'instance',
  gossipKeys: 'gossip-keys',
  founding: 'founding',
  absences: 'absences',
} as const;
