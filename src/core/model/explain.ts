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
  'affinity',
  'port',
  'network',
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

/**
 * What a find met on its way, carried along in datagrams: a Considered without the words that the buyer
 * can find itself. At most LIMITS.trail of them: refusals, oldest first, then who else fitted, best first.
 */
export interface Seen {
  readonly nodeId: NodeId;
  /** Undefined where it would have fitted, and another was preferred. */
  readonly reason: RefusalReason | undefined;
  /** Where the figures don't say it: which constraint, which bound. */
  readonly detail: string;
  readonly free: Resources;
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
  /** Soft wishes that were given up, because nobody who met them all had room; absent where there were none. */
  readonly givenUp?: readonly string[];
}
