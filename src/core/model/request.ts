import type { ContainerId, NodeId, RequestId } from './ids.ts';
import type { Arch, CpuClass } from './member.ts';
import type { Resources } from './resources.ts';

export const POLICIES = ['binpack', 'spread'] as const;
/** Preference among offers that fit. */
export type Policy = (typeof POLICIES)[number];

export const CONSTRAINT_OPERATORS = ['==', '!='] as const;
/** `key==value` or `key!=value`; key is node, arch, class or a node label; value may hold * globs. `node` matches name or id. */
export interface Constraint {
  readonly key: string;
  readonly operator: (typeof CONSTRAINT_OPERATORS)[number];
  readonly value: string;
}

/** The part of a request by which suppliers are matched: what datagrams carry. */
export interface Need {
  readonly requestId: RequestId;
  /** From 1; a retry of the buyer is a new attempt, and holds of older ones are cancelled or expire. */
  readonly attempt: number;
  readonly buyer: NodeId;
  readonly resources: Resources;
  readonly class: CpuClass;
  /** Empty: any that the image has. */
  readonly arches: readonly Arch[];
  readonly constraints: readonly Constraint[];
  /** Nodes already chosen by the same group, or already tried. */
  readonly exclude: readonly NodeId[];
  readonly policy: Policy;
  /** First 16 hex digits of SHA-256 over the spec; a launch must carry the spec that was asked for. */
  readonly specDigest: string;
}

export const RESTART_POLICIES = ['no', 'always', 'unless-stopped', 'on-failure'] as const;
export interface RestartPolicy {
  readonly name: (typeof RESTART_POLICIES)[number];
  /** With on-failure: 0 means without end. */
  readonly maximumRetries: number;
}

/** What was asked, immutable. */
export interface Request {
  readonly id: RequestId;
  readonly containerId: ContainerId;
  /** Container name without a leading slash. */
  readonly name: string;
  /** What the container holds while launched: the figures asked, or DEFAULT_RESERVATION's (DESIGN §2.1). */
  readonly resources: Resources;
  readonly class: CpuClass;
  readonly arches: readonly Arch[];
  readonly constraints: readonly Constraint[];
  readonly policy: Policy;
  readonly restart: RestartPolicy;
  readonly autoRemove: boolean;
  readonly stopSignal: string;
  readonly stopTimeoutMs: number;
  /**
   * What the engine needs and the core never looks into: JSON of `engine/port.ts`'s ContainerSpec.
   * At most LIMITS.specBytes bytes.
   */
  readonly spec: string;
}
