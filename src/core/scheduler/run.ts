import { LIMITS } from '../model/index.ts';
import type { Affinity, Answer, Considered, CoreError, GroupHold, NodeId, Placement, Request, Turn } from '../model/index.ts';
import { digestOf } from '../model/digest.ts';

/** Where a run is. Each stage but the resting ones has a current timer, known by its token, so that a run always ends. */
export type Stage =
  /** Its stack has not come to it yet, or sent it back to look anew. */
  | { readonly kind: 'waiting'; readonly token: 0 }
  /** The name directory was asked where the containers are that it wants to be with, or not. */
  | {
      readonly kind: 'looking-up';
      readonly token: number;
      unanswered: number;
      readonly found: Map<Affinity, { readonly nodes: ReadonlySet<NodeId>; readonly complete: boolean }>;
    }
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
  /** Its supplier holds until the rest of its stack is held, too. */
  | { readonly kind: 'held'; readonly supplier: NodeId; readonly token: number }
  /** A launch is out. Until its supplier answers or is known dead, nothing is launched elsewhere. */
  | {
      readonly kind: 'launching';
      readonly supplier: NodeId;
      readonly recorded: boolean;
      readonly cancelled: boolean;
      readonly sinceMs: number;
      readonly waitMs: number;
      readonly token: number;
    }
  /** Launched, while others of its stack are not yet. */
  | { readonly kind: 'ready'; readonly supplier: NodeId; readonly token: number; readonly cancelled: false };

export const WAITING = { kind: 'waiting', token: 0 } as const;

/** What suppliers are looked for by: a request's own wishes, or those of a co-location group together. */
export type Wanted = Pick<Request, 'resources' | 'class' | 'arches' | 'constraints' | 'affinities' | 'policy' | 'hostPorts' | 'vnis'>;

/** A part of the same stack, and the node it is on, or will be. */
export interface Companion {
  readonly part: Request;
  readonly node: NodeId;
}

/** For whom a run works: a user's single request, a stack, or a plan of one. */
export interface Owner {
  /** All or nothing: what was launched is removed again where another part fails. */
  readonly takesBack: boolean;
  /** Only asks who would take it. */
  readonly plans: boolean;
  /** Where the other parts of its spread group are. */
  others(run: Run): readonly NodeId[];
  /** Earlier parts that its affinities speak of. */
  companions(run: Run): readonly Companion[];
  /** Whether it may be launched elsewhere after it failed on a node. */
  mayMove(run: Run): boolean;
  /** It left the node it was on, and looks for another. */
  moving(turn: Turn, run: Run): void;
  /** A supplier holds what it wants. */
  held(turn: Turn, run: Run): void;
  /** Its container is durable on its supplier. */
  recorded(turn: Turn, run: Run): void;
  /** Its supplier has made it ready to start. */
  ready(turn: Turn, run: Run): void;
  /** Everybody has answered: of a plan. */
  answered(turn: Turn, run: Run, answers: ReadonlyMap<NodeId, Answer>): void;
  /** No more of it: all it held is given back, unless `error.changed`. */
  failed(turn: Turn, run: Run, error: CoreError): void;
}

/** The effort to satisfy one request, at its buyer. */
export interface Run {
  readonly request: Request;
  /** What its hold is for. */
  readonly wanted: Wanted;
  /** Where its hold is for others, too. */
  readonly group: GroupHold | undefined;
  readonly owner: Owner;
  /** Nodes that the caller ruled out. */
  readonly excluded: ReadonlySet<NodeId>;
  /** Of the spec, or of all of its group's. */
  readonly specDigest: string;
  readonly startedMs: number;
  stage: Stage;
  attempt: number;
  /** Attempts through the directory since the last launch. */
  finds: number;
  /** Of these, how many came back without a place. */
  misses: number;
  lateLaunches: number;
  by: Placement['by'];
  /** Sent and received on behalf of this run. */
  messages: number;
  /** Soft wishes are kept as long as that finds somebody. */
  wishes: 'kept' | 'given-up';
  /** In a large instance, where they are few: the only nodes that it can be on, by the name directory's word and the members' records. */
  among: ReadonlySet<NodeId> | undefined;
  /** What these meet, in words. */
  amongWords: readonly string[];
  /** The directory had none, and so some of those that meet its filters were asked directly: of how many. */
  sampled: { readonly nodes: number; readonly words: string } | undefined;
  /** In a large instance: nodes that have what it must not be with, as far as was told. */
  shunned: readonly NodeId[];
  /** Affinities that the name directory could not tell the nodes of, in words. */
  unknown: readonly string[];
  /** In a large instance: nodes that refused it for what their offers don't tell, a port or a network; finds go past them. */
  readonly barred: Set<NodeId>;
  /** Nodes that took it and could not launch it, with the newest error. */
  readonly failed: Set<NodeId>;
  launchError: CoreError | undefined;
  readonly considered: Map<NodeId, Considered>;
}

export function newRun(
  turn: Turn,
  request: Request,
  owner: Owner,
  exclude: readonly NodeId[],
  hold?: { readonly wanted: Wanted; readonly group: GroupHold | undefined; readonly specDigest: string },
): Run {
  return {
    request,
    wanted: hold?.wanted ?? request,
    group: hold?.group,
    owner,
    excluded: new Set(exclude),
    specDigest: hold?.specDigest ?? digestOf(request.spec),
    startedMs: turn.nowMs,
    stage: WAITING,
    attempt: 0,
    finds: 0,
    misses: 0,
    lateLaunches: 0,
    by: 'none',
    messages: 0,
    wishes: 'kept',
    among: undefined,
    amongWords: [],
    sampled: undefined,
    shunned: [],
    unknown: [],
    barred: new Set(),
    failed: new Set(),
    launchError: undefined,
    considered: new Map(),
  };
}

/** Under which its hold is. */
export const holdId = (run: Run): Request['id'] => run.group?.hold ?? run.request.id;

/** Where it is or may be: whoever has to hear that it is given up. */
export function supplierOf({ stage }: Run): NodeId | undefined {
  return 'supplier' in stage ? stage.supplier : undefined;
}

/** As if it had not begun, but for the numbers of its attempts: they are never used again. */
export function forget(run: Run): void {
  run.stage = WAITING;
  run.finds = 0;
  run.misses = 0;
  run.lateLaunches = 0;
  run.wishes = 'kept';
  run.barred.clear();
  run.failed.clear();
  run.launchError = undefined;
  run.considered.clear();
}

/** Notes what a node said; the newest word stands. An engine's words may be long, and all of these go along with the launch. */
export function consider(run: Run, entry: Considered): void {
  if (run.considered.size >= LIMITS.considered && !run.considered.has(entry.nodeId)) return;
  run.considered.set(entry.nodeId, { ...entry, detail: entry.detail.slice(0, LIMITS.detail) });
}
