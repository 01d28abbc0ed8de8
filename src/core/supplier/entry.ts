import { shortId } from '../model/index.ts';
import type { Command, CommandId, Container, ContainerId, Observation, Resources, Task, Tombstone, CoreError } from '../model/index.ts';

/** A command that concerns the life of one container. */
export type ContainerCommand = Extract<Command, { readonly kind: 'start' | 'stop' | 'kill' | 'remove' | 'pause' | 'unpause' | 'update' }>;

/**
 * What is under way with a container. Orders are never given two at a time for one container, but for
 * a kill during a stop, and a forced removal, which ends everything.
 */
export type Activity =
  /** The launch's record is being made durable. `abandoned`: its buyer gave up meanwhile. */
  | { readonly kind: 'recording'; readonly attempt: number; readonly abandoned: boolean }
  /** The engine makes it ready. */
  | { readonly kind: 'creating'; readonly attempt: number; readonly abandoned: boolean }
  /** A launch that failed is being forgotten. */
  | { readonly kind: 'rolling-back'; readonly attempt: number; readonly error: CoreError; readonly retryMs: number }
  | { readonly kind: 'idle' }
  /** `early`: its end was seen before the engine's answer to the start. */
  | { readonly kind: 'starting'; readonly replyTo: CommandId | undefined; readonly early: Observation | undefined }
  /** Between two tasks of the restart policy; holds its resources. */
  | { readonly kind: 'backing-off'; readonly token: number }
  /**
   * It is being paused, unpaused or updated. `early`: its end was seen meanwhile. `backOff`: it was backing off, and
   * whether that is over by now.
   */
  | {
      readonly kind: 'changing';
      readonly early: Observation | undefined;
      readonly backOff: { readonly token: number; readonly isOver: boolean } | undefined;
    }
  /** `keep`: all who asked are to start it again. */
  | { readonly kind: 'stopping'; readonly replyTo: readonly CommandId[]; readonly token: number; readonly keep: boolean }
  /** `takenBack`: the attempt whose buyer is to be told, because another part of its stack failed. */
  | { readonly kind: 'removing'; readonly replyTo: readonly CommandId[]; readonly takenBack: number | undefined };

/** A container as the supplier keeps it: its durable record and what is under way. */
export interface Entry {
  container: Container;
  activity: Activity;
  /** Commands that came while an order was under way, in order. */
  readonly waiting: { readonly id: CommandId; readonly command: ContainerCommand }[];
  /** The disk did not take the record: a timer is set to write it again. */
  storeRetry: boolean;
  /** Of the timer by which it gives its room back if it is not started: a renewal sets a new one. */
  unstarted: number;
  /** The next restart's delay, in ms. */
  backoffMs: number;
  /** Monotonic time of the newest task's start. */
  startedMs: number;
}

/** A tombstone, with what a late launch is to be told. */
export interface Grave extends Tombstone {
  readonly error: CoreError | undefined;
}

export const idOf = (entry: Entry): ContainerId => entry.container.request.containerId;

/** `web (3f2a…)`: how errors name a container. */
export const called = (entry: Entry): string => `${entry.container.name} (${shortId(idOf(entry))})`;

/** What it holds where it holds anything: while it is updated what it may use by then, too. */
export const roomOf = ({ updating, request }: Container): Resources => updating ?? request.resources;

/** The task without the word that it is paused: it goes on, or has ended. */
export function unpaused(task: Task): Task {
  const { paused, ...rest } = task;
  return paused === undefined ? task : rest;
}

export function ended(task: Task | undefined): boolean {
  return task === undefined || task.state === 'exited' || task.state === 'failed';
}
