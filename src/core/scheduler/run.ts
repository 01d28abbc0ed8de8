import { LIMITS } from '../model/index.ts';
import { sha256Hex } from '../../lib/sha256.ts';
import type { Answer, CommandId, Considered, CoreError, Need, NodeId, Placement, Request } from '../model/index.ts';

/** Where a run is. Each stage has a current timer, known by its token, so that a run always ends. */
export type Stage =
  /** A find is out; a trader will send a reserve, or word that there is none. */
  | { readonly kind: 'finding'; readonly trader: NodeId; readonly token: number }
  /** The direct round: everyone was asked what is free. */
  | {
      readonly kind: 'asking';
      readonly asked: ReadonlySet<NodeId>;
      readonly answers: ReadonlyMap<NodeId, Answer>;
      readonly token: number;
      readonly reminded: boolean;
    }
  /** A direct reserve is out; `rest`: who else would fit, best first. */
  | {
      readonly kind: 'reserving';
      readonly supplier: NodeId;
      readonly rest: readonly NodeId[];
      readonly token: number;
      readonly repeated: boolean;
    }
  /** A launch is out. Until its supplier answers or is known dead, nothing is launched elsewhere. */
  | {
      readonly kind: 'launching';
      readonly supplier: NodeId;
      readonly recorded: boolean;
      readonly cancelled: boolean;
      readonly sinceMs: number;
      readonly waitMs: number;
      readonly token: number;
    };

/** The effort to satisfy one request, at its buyer. */
export interface Run {
  readonly request: Request;
  readonly replyTo: CommandId;
  /** Nodes that the caller ruled out. */
  readonly excluded: ReadonlySet<NodeId>;
  /** First 16 hex digits of SHA-256 over the spec. */
  readonly specDigest: string;
  readonly startedMs: number;
  stage: Stage;
  attempt: number;
  /** Attempts through the directory since the last launch. */
  finds: number;
  lateLaunches: number;
  by: Placement['by'];
  /** Sent and received on behalf of this run. */
  messages: number;
  /** Nodes that took it and could not launch it, with the newest error. */
  readonly failed: Set<NodeId>;
  launchError: CoreError | undefined;
  readonly considered: Map<NodeId, Considered>;
}

export function needOf(run: Run, buyer: NodeId): Need {
  const { id, resources, class: cpuClass, arches, constraints, affinities, policy } = run.request;
  return {
    requestId: id,
    attempt: run.attempt,
    buyer,
    resources,
    class: cpuClass,
    arches,
    constraints,
    affinities,
    exclude: [...run.excluded, ...run.failed].slice(0, LIMITS.exclude),
    policy,
    specDigest: run.specDigest,
  };
}

export const digestOf = (spec: string): string => sha256Hex(spec).slice(0, 16);

/** Notes what a node said; the newest word stands. An engine's words may be long, and all of these go along with the launch. */
export function consider(run: Run, entry: Considered): void {
  if (run.considered.size >= LIMITS.considered && !run.considered.has(entry.nodeId)) return;
  run.considered.set(entry.nodeId, { ...entry, detail: entry.detail.slice(0, LIMITS.detail) });
}

export function placementOf(run: Run, buyer: NodeId, supplier: NodeId | undefined, nowMs: number): Placement {
  return {
    requestId: run.request.id,
    wanted: run.request.resources,
    policy: run.request.policy,
    buyer,
    supplier,
    attempts: run.attempt,
    by: supplier === undefined ? 'none' : run.by,
    tookMs: Math.round(nowMs - run.startedMs),
    considered: [...run.considered.values()],
  };
}
