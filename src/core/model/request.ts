import type { ContainerId, NodeId, RequestId } from './ids.ts';
import type { Arch, CpuClass } from './member.ts';
import type { HostPort } from './network.ts';
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
  /** A wish: given up where no node that meets it has room. */
  readonly soft: boolean;
}

export const AFFINITY_SUBJECTS = ['container', 'image', 'label'] as const;
/**
 * Where a container wants to be, or not to be, by what is on a node already: `==` with it, `!=` not with it.
 * A container counts from its launch to its removal.
 */
export interface Affinity {
  /** By name or id; by image reference; by a container label. */
  readonly subject: (typeof AFFINITY_SUBJECTS)[number];
  /** The label's key; '' for the others. */
  readonly key: string;
  readonly operator: (typeof CONSTRAINT_OPERATORS)[number];
  /** May hold * globs. */
  readonly value: string;
  readonly soft: boolean;
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
  readonly affinities: readonly Affinity[];
  /** Nodes already chosen by the same group, or already tried. */
  readonly exclude: readonly NodeId[];
  readonly policy: Policy;
  /** First 16 hex digits of SHA-256 over the spec; a launch must carry the spec that was asked for. */
  readonly specDigest: string;
  /** As in Request. */
  readonly hostPorts: readonly HostPort[];
  readonly vnis: readonly number[];
}

export const RESTART_POLICIES = ['no', 'always', 'unless-stopped', 'on-failure'] as const;
export interface RestartPolicy {
  readonly name: (typeof RESTART_POLICIES)[number];
  /** With on-failure: 0 means without end. */
  readonly maximumRetries: number;
}

/** What was asked. Nothing of it changes but by an update: `resources`, `restart`, `spec`. */
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
  readonly affinities: readonly Affinity[];
  /** What others' affinities match: the container's labels, and its image as it was asked for. */
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  /** Ports of the host it publishes, those it named: at most LIMITS.hostPorts. Its node has them for it from launch to removal. */
  readonly hostPorts: readonly HostPort[];
  /** Networks it is to be on, by VNI: at most LIMITS.networksPerContainer. */
  readonly vnis: readonly number[];
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

export const GROUP_POLICIES = ['spread', 'co-location'] as const;
/** All of a group on one node, or each on another. Both hold, whatever the placement policy prefers. */
export type GroupPolicy = (typeof GROUP_POLICIES)[number];

export interface Group {
  /** Unique in its stack. */
  readonly name: string;
  readonly policy: GroupPolicy;
}

/** Requests that are placed together: all of them, or none (DESIGN §6, Groups). */
export interface Stack {
  /** Of the whole effort; each part has a request id of its own. */
  readonly id: RequestId;
  readonly groups: readonly Group[];
  /** In the order in which they were asked for, at most LIMITS.stack; `group` is a name in `groups`, or undefined. */
  readonly parts: readonly { readonly request: Request; readonly group: string | undefined }[];
}
