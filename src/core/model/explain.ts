import type { NodeId } from './ids.ts';
import type { Resources } from './resources.ts';
import type { RequestId } from './ids.ts';
import type { Policy } from './request.ts';

export const REFUSAL_REASONS = [
  'cpu',
  'memory',
  'class',
  'arch',
  'constraint',
  'excluded',
  'draining',
  'holds',
  'containers',
  'unreachable',
  'failed',
] as const;
/** Why a node can't take a request. `holds`, `containers`: a bound of LIMITS is reached; `failed`: it took it and could not launch. */
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** One node's answer, kept for the user. */
export interface Considered {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly accepted: boolean;
  /** Undefined when accepted, or when it would fit but another was preferred. */
  readonly reason: RefusalReason | undefined;
  /** A sentence's worth of detail: which constraint, which error. */
  readonly detail: string;
  /** What was free when asked; undefined where unknown. */
  readonly free: Resources | undefined;
  /** Lower is better; undefined where it was not ranked. */
  readonly score: number | undefined;
}

/** How a run came to its end; stored with the container, shown by `caravela explain`. */
export interface Placement {
  readonly requestId: RequestId;
  readonly wanted: Resources;
  readonly policy: Policy;
  readonly buyer: NodeId;
  readonly supplier: NodeId | undefined;
  readonly attempts: number;
  /** How it was found: through a trader, or by asking every node (≤ 64 alive). */
  readonly by: 'directory' | 'direct' | 'none';
  readonly tookMs: number;
  /** At most LIMITS.considered entries. */
  readonly considered: readonly Considered[];
}
