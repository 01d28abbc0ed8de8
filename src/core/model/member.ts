import type { NodeId } from './ids.ts';
import type { Resources } from './resources.ts';

export const CPU_CLASSES = ['low', 'high'] as const;
/** CPU class of a node; a request fits nodes of its class or above. */
export type CpuClass = (typeof CPU_CLASSES)[number];

/** Go's names, as in OCI image indexes: amd64, arm64, arm, riscv64 … */
export type Arch = string;

export const MEMBER_STATES = ['alive', 'suspect', 'dead', 'left'] as const;
export type MemberState = (typeof MEMBER_STATES)[number];

/** Where a node is reached on the underlay. Never its identity (DESIGN §2.5). */
export interface Address {
  /** An IPv4 or IPv6 literal. */
  readonly ip: string;
  readonly controlPort: number;
  readonly gossipPort: number;
}

/** Epoch of what a supplier says about itself: compare incarnation first, then counter. */
export interface Epoch {
  readonly incarnation: number;
  readonly counter: number;
}

/** What a node says of itself; only it may change this, under a higher incarnation. */
export interface MemberRecord {
  readonly id: NodeId;
  readonly name: string;
  /** Agreed, small, dense; 0 while unknown. */
  readonly number: number;
  /** Grows with each change and each refutation; persisted, so a restart never reuses one. */
  readonly incarnation: number;
  readonly address: Address;
  readonly class: CpuClass;
  readonly arch: Arch;
  /** Keys and values together at most LIMITS.labelBytes bytes. */
  readonly labels: Readonly<Record<string, string>>;
  /** (Capacity − host reserve) × overcommit: what containers may hold in all. */
  readonly capacity: Resources;
  readonly underlayMtu: number;
  /** Product version, for people. */
  readonly version: string;
  readonly draining: boolean;
}

/** A node as recorded in a membership list. */
export interface Member extends MemberRecord {
  readonly state: MemberState;
}

export function newerEpoch(a: Epoch, b: Epoch): boolean {
  return a.incarnation > b.incarnation || (a.incarnation === b.incarnation && a.counter > b.counter);
}
