import type { Container } from './container.ts';
import type { CoreError } from './errors.ts';
import type { Event } from './event.ts';
import type { AgreedVersion, Endpoint, HostFacts } from './network.ts';
import type { CommandId, ContainerId, NodeId, OrderId, TaskId } from './ids.ts';
import type { Message } from './message.ts';
import type { NameEntry, NameHolder, NameKey } from './names.ts';
import type { Placement } from './explain.ts';
import type { Request, RestartPolicy, Stack } from './request.ts';
import type { Resources } from './resources.ts';
import type { Prng } from '../../lib/prng.ts';

export const MACHINES = ['membership', 'supplier', 'publisher', 'trader', 'buyer', 'node', 'names'] as const;
export type Machine = (typeof MACHINES)[number];

/**
 * A timer is a value. Nobody has to cancel one: the machine that set it remembers which token is current
 * and ignores the rest.
 */
export interface Timer {
  readonly machine: Machine;
  readonly name: string;
  /** What it is about (a node, request or container id), or ''. */
  readonly key: string;
  readonly token: number;
}

/** A host action the core asks for. Each is answered once by `Node.answer` under its id. */
export type Order = { readonly id: OrderId } & (
  | { readonly kind: 'store-container'; readonly container: Container }
  /** Deletes the record and writes its tombstone, in one transaction. */
  | { readonly kind: 'forget-container'; readonly containerId: ContainerId; readonly removedAtMs: number }
  | { readonly kind: 'store-incarnation'; readonly incarnation: number }
  /** Fetch the image, write the container's directory. Idempotent; may take minutes. */
  | { readonly kind: 'engine-create'; readonly containerId: ContainerId; readonly spec: string }
  | { readonly kind: 'engine-start'; readonly containerId: ContainerId; readonly taskId: TaskId }
  /** TERM (or `signal`), wait, KILL. Answered when the signals are sent; the end comes as an observation. */
  | { readonly kind: 'engine-stop'; readonly containerId: ContainerId; readonly signal: string; readonly timeoutMs: number }
  | { readonly kind: 'engine-kill'; readonly containerId: ContainerId; readonly signal: string }
  | { readonly kind: 'engine-pause' | 'engine-unpause'; readonly containerId: ContainerId }
  /** Its spec is another from now on: limits, which take hold at once where it runs, and are within `resources`. */
  | { readonly kind: 'engine-update'; readonly containerId: ContainerId; readonly spec: string; readonly resources: Resources }
  /** `volumes`: those that nobody named go with it. */
  | { readonly kind: 'engine-remove'; readonly containerId: ContainerId; readonly volumes: boolean }
);

export type OrderAnswer =
  | { readonly ok: true; readonly pid?: number; readonly startedAtMs?: number }
  | { readonly ok: false; readonly error: CoreError };

/** What the engine saw happen. */
export type Observation = {
  readonly kind: 'exited';
  readonly containerId: ContainerId;
  readonly taskId: TaskId;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly finishedAtMs: number;
};

/** What the API asks of this node. Each is answered once by `reply` under its id. */
export type Command =
  /** Place and launch: Docker's create. */
  | { readonly kind: 'run'; readonly request: Request; readonly exclude: readonly NodeId[] }
  /** Place and launch several, all or none. `cancel-run` takes the stack's id. */
  | { readonly kind: 'run-stack'; readonly stack: Stack; readonly exclude: readonly NodeId[] }
  /** Says where a stack would go now, and why; holds nothing. */
  | { readonly kind: 'plan'; readonly stack: Stack; readonly exclude: readonly NodeId[] }
  /** Give up a run that is under way: its holds are cancelled. */
  | { readonly kind: 'cancel-run'; readonly requestId: Request['id'] }
  /** Asks the name directory. */
  | { readonly kind: 'look-up'; readonly key: NameKey }
  // The rest concern a container of this node.
  | { readonly kind: 'start'; readonly containerId: ContainerId }
  | {
      readonly kind: 'stop';
      readonly containerId: ContainerId;
      readonly timeoutMs: number | undefined;
      readonly signal: string | undefined;
      /** It is to be started again: one that removes itself at its end stays this time. */
      readonly keep?: boolean;
    }
  | { readonly kind: 'kill'; readonly containerId: ContainerId; readonly signal: string }
  /** `volumes`: those that nobody named go with it, as they always do with one that removes itself. Absent: they stay. */
  | { readonly kind: 'remove'; readonly containerId: ContainerId; readonly force: boolean; readonly volumes?: boolean }
  /** wrong-state where it does not run, or is (not) paused already. */
  | { readonly kind: 'pause' | 'unpause'; readonly containerId: ContainerId }
  /** Answered when the name is claimed in the name directory and written down; name-taken otherwise, with its holder. */
  | { readonly kind: 'rename'; readonly containerId: ContainerId; readonly name: string }
  /** Other limits and restart policy: refused (no-room) where this node has no room for the difference. `spec` replaces the request's. */
  | {
      readonly kind: 'update';
      readonly containerId: ContainerId;
      readonly resources: Resources;
      readonly restart: RestartPolicy;
      readonly spec: string;
    }
  /** What this host can't give to containers just now; replaces what was told before. */
  | { readonly kind: 'host-facts'; readonly facts: HostFacts }
  /** The endpoints of a container of this node, all of them; none: it is on no network any more. The name directory learns them. */
  | { readonly kind: 'endpoints'; readonly containerId: ContainerId; readonly endpoints: readonly Endpoint[] }
  /** What this node has of the agreed state; gossip carries it. */
  | { readonly kind: 'agreed'; readonly version: AgreedVersion }
  /** This node leaves: gossip it, withdraw offers, refuse new holds. */
  | { readonly kind: 'leave' }
  /** Members learned at join or read from the store. */
  | { readonly kind: 'learn'; readonly members: readonly import('./member.ts').MemberRecord[] }
  /** This node's own record changed (address, labels, drain). */
  | { readonly kind: 'describe'; readonly change: Partial<Omit<import('./member.ts').MemberRecord, 'id' | 'incarnation'>> };

/** Where a part of a stack is, or would be. */
export interface StackPlacement {
  readonly containerId: ContainerId;
  readonly supplier: NodeId;
  readonly placement: Placement;
}

export type Result =
  | {
      readonly ok: true;
      readonly kind: 'placed';
      readonly containerId: ContainerId;
      readonly supplier: NodeId;
      readonly placement: Placement;
    }
  /** In the stack's order. For `planned`, `considered` has who would take it, best first, and who would not. */
  | { readonly ok: true; readonly kind: 'stack-placed' | 'planned'; readonly parts: readonly StackPlacement[] }
  | { readonly ok: true; readonly kind: 'found'; readonly entries: readonly NameEntry[]; readonly complete: boolean }
  | { readonly ok: true; readonly kind: 'done' }
  /** `holder`: for name-taken, who has the name, where that is known. */
  | { readonly ok: false; readonly error: CoreError; readonly placement?: Placement; readonly holder?: NameHolder };

/**
 * One turn of the core: the time, the randomness, and where its effects go. Handed to every input;
 * a machine never keeps it. The shell performs effects after the input returned.
 */
export interface Turn {
  /** Monotonic ms; only differences mean anything. */
  readonly nowMs: number;
  /** Wall clock, ms since 1970; may jump. For records people read and for tombstones. */
  readonly wallMs: number;
  readonly random: Prng;
  send(to: NodeId, message: Message): void;
  setTimer(timer: Timer, afterMs: number): void;
  /** The machine will ignore it: a shell that can may spare itself waking up for it, any other lets it come. */
  dropTimer?(timer: Timer): void;
  /** The core assigns the id. */
  perform(order: Order): void;
  reply(command: CommandId, result: Result): void;
  emit(event: Event): void;
}
