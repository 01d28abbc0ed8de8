import type { ContainerId, NodeId, TaskId } from './ids.ts';
import type { Request } from './request.ts';
import type { Resources } from './resources.ts';

/**
 * States of a task, in order; a task only moves to the right (SwarmKit's rule), and a container's
 * next start is a new task.
 */
export const TASK_STATES = ['pending', 'starting', 'running', 'exited', 'failed'] as const;
export type TaskState = (typeof TASK_STATES)[number];

/** One start of a container. Times are wall-clock ms since 1970, 0 while not reached. */
export interface Task {
  readonly id: TaskId;
  readonly state: TaskState;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  /** 0 until exited; 128 + n after signal n. */
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Why it failed to start, in the engine's words; empty otherwise. */
  readonly error: string;
  /** 0 unless running. */
  readonly pid: number;
  /** Only while running: its processes are kept from running; absent: no. */
  readonly paused?: boolean;
}

/** What the user wants of a container, as far as said: created → running ⇄ stopped → removed. */
export const DESIRED_STATES = ['created', 'running', 'stopped', 'removed'] as const;
export type DesiredState = (typeof DESIRED_STATES)[number];

/** Whether the engine has made it ready to start (image fetched, directory written). */
export const READINESS = ['preparing', 'ready', 'failed'] as const;
export type Readiness = (typeof READINESS)[number];

/** The durable record of a container: `request` was asked, `desired` should be, `task` was seen. Belongs to one node for ever. */
export interface Container {
  readonly request: Request;
  /** At first the request's; another after a rename, or a conflict over it (DESIGN §6, Name directory). */
  readonly name: string;
  readonly buyer: NodeId;
  readonly createdAtMs: number;
  readonly readiness: Readiness;
  readonly desired: DesiredState;
  /** Starts so far by the restart policy since the last start by a user. */
  readonly restartCount: number;
  /** The newest task; undefined before the first start. */
  readonly task: Task | undefined;
  /** Number of the newest task. */
  readonly taskNumber: number;
  /** Whether its resources are held now (DESIGN §6, Holds). */
  readonly holding: boolean;
  /**
   * While an update is under way: what the engine may let it use by then, which counts in place of the request's. After a
   * crash in its midst the engine is told the request's spec again. Absent: none is.
   */
  readonly updating?: Resources | undefined;
  /** Where `removed` is desired: its volumes that nobody named go with it. Absent: no. */
  readonly volumesToo?: boolean;
  /** What the buyer considered, for `caravela explain`; JSON of model/explain's Placement. */
  readonly placement: string;
}

/** Remembers a removed container for LIMITS.tombstones entries and ten minutes, against a late launch. */
export interface Tombstone {
  readonly containerId: ContainerId;
  readonly removedAtMs: number;
}
