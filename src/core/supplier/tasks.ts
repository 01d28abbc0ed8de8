/**
 * The life of a container's tasks: start, exit, restart by policy. States of a task only move forward,
 * each start is a new task (SwarmKit's rule), and the record of a task is durable before the engine is
 * told, so that after a crash the engine never runs a task that we don't know.
 *
 * Resources are held from launch until the newest task has ended with no restart to come; back-off
 * holds them. A start of a container that gave them back is admitted again, or refused with numbers.
 */
import { taskId } from '../model/index.ts';
import type { CommandId, CoreError, Observation, Task, Turn } from '../model/index.ts';
import { lacking } from '../model/filter.ts';
import type { Context } from './context.ts';
import { called, ended, idOf, roomOf, unpaused } from './entry.ts';
import type { Entry } from './entry.ts';
import { containerKey } from './ledger.ts';
import { wantsRestart } from './restart-policy.ts';
import { SUPPLIER } from './tunables.ts';

export interface TasksOptions {
  readonly context: Context;
  /** The container may take waiting commands now. */
  readonly settle: (turn: Turn, entry: Entry) => void;
  /** An ended container with autoRemove goes. */
  readonly remove: (turn: Turn, entry: Entry) => void;
}

export class Tasks {
  readonly #context: Context;
  readonly #options: TasksOptions;

  constructor(options: TasksOptions) {
    this.#context = options.context;
    this.#options = options;
  }

  /** A user's start. The entry is idle or backing off, and ready. */
  start(turn: Turn, entry: Entry, replyTo: CommandId): void {
    const before = entry.container;
    const key = containerKey(idOf(entry));
    const { ledger } = this.#context;
    if (!ledger.has(key) && !ledger.admit(key, roomOf(before))) {
      return turn.reply(replyTo, { ok: false, error: noRoom(this.#context, entry) });
    }
    entry.backoffMs = SUPPLIER.firstBackoffMs;
    this.#begin(turn, entry, { desired: 'running', restartCount: 0 }, replyTo);
  }

  exited(turn: Turn, entry: Entry, seen: Observation): void {
    const { task } = entry.container;
    if (task === undefined || task.id !== seen.taskId || ended(task)) return;
    if (entry.activity.kind === 'starting' || entry.activity.kind === 'changing') {
      entry.activity = { ...entry.activity, early: seen };
      return;
    }
    const { exitCode, oomKilled, finishedAtMs } = seen;
    this.#end(turn, entry, { ...unpaused(task), state: 'exited', exitCode, oomKilled, finishedAtMs, pid: 0 });
  }

  /** The back-off is over. */
  restart(turn: Turn, entry: Entry): void {
    this.#begin(turn, entry, { restartCount: entry.container.restartCount + 1 }, undefined);
  }

  /** The newest task has ended: another by policy, or give the resources back. */
  afterEnd(turn: Turn, entry: Entry, change: { readonly task?: Task } = {}): number | undefined {
    const container = { ...entry.container, ...change };
    const removing = entry.activity.kind === 'removing';
    if (!removing && wantsRestart(container)) {
      this.#context.note(turn, entry, change);
      const afterMs = entry.backoffMs;
      entry.backoffMs = Math.min(SUPPLIER.lastBackoffMs, afterMs * 2);
      entry.activity = { kind: 'backing-off', token: this.#context.setTimer(turn, 'restart', idOf(entry), afterMs) };
      return afterMs;
    }
    this.#context.note(turn, entry, { ...change, holding: false });
    this.#context.ledger.release(containerKey(idOf(entry)));
    return undefined;
  }

  #begin(
    turn: Turn,
    entry: Entry,
    change: { readonly desired?: 'running'; readonly restartCount: number },
    replyTo: CommandId | undefined,
  ): void {
    const before = entry.container;
    const taskNumber = before.taskNumber + 1;
    const task: Task = { ...NEW_TASK, id: taskId(idOf(entry), taskNumber) };
    entry.activity = { kind: 'starting', replyTo, early: undefined };
    this.#context.record(turn, entry, { ...change, taskNumber, task, holding: true }, (turn, error) => {
      if (entry.activity.kind !== 'starting') return;
      if (error !== undefined) return this.#unrecorded(turn, entry, before, error, replyTo);
      entry.container = { ...entry.container, task: { ...task, state: 'starting' } };
      this.#context.orders.perform(turn, { kind: 'engine-start', containerId: idOf(entry), taskId: task.id }, (turn, answer) => {
        const { activity } = entry;
        if (activity.kind !== 'starting') return;
        if (!answer.ok) return this.#failed(turn, entry, before, answer.error, replyTo);
        this.#started(turn, entry, answer.pid ?? 0, answer.startedAtMs ?? turn.wallMs, replyTo, activity.early);
      });
    });
  }

  #started(
    turn: Turn,
    entry: Entry,
    pid: number,
    startedAtMs: number,
    replyTo: CommandId | undefined,
    early: Observation | undefined,
  ): void {
    const task: Task = { ...(entry.container.task as Task), state: 'running', pid, startedAtMs };
    entry.activity = { kind: 'idle' };
    entry.startedMs = turn.nowMs;
    this.#context.note(turn, entry, { task });
    turn.emit({ kind: 'task-started', containerId: idOf(entry), taskId: task.id });
    if (replyTo !== undefined) turn.reply(replyTo, { ok: true, kind: 'done' });
    if (early === undefined) this.#options.settle(turn, entry);
    else this.exited(turn, entry, early);
  }

  /** The record of the start could not be written: as if it had not been asked for. */
  #unrecorded(turn: Turn, entry: Entry, before: Entry['container'], error: CoreError, replyTo: CommandId | undefined): void {
    entry.container = before;
    entry.activity = { kind: 'idle' };
    if (!before.holding) this.#context.ledger.release(containerKey(idOf(entry)));
    if (replyTo !== undefined) turn.reply(replyTo, { ok: false, error });
    if (wantsRestart(before)) this.afterEnd(turn, entry);
    this.#options.settle(turn, entry);
  }

  /** A user's start that fails is the user's to repeat; one by the restart policy is tried again by it. */
  #failed(turn: Turn, entry: Entry, before: Entry['container'], error: CoreError, replyTo: CommandId | undefined): void {
    const task: Task = { ...(entry.container.task as Task), state: 'failed', error: error.message, finishedAtMs: turn.wallMs };
    entry.activity = { kind: 'idle' };
    if (replyTo !== undefined) {
      entry.container = { ...entry.container, desired: before.desired === 'running' ? 'stopped' : before.desired };
      turn.reply(replyTo, { ok: false, error });
    }
    turn.emit({ kind: 'task-failed', containerId: idOf(entry), taskId: task.id, error: error.message });
    const again = this.afterEnd(turn, entry, { task });
    if (again === undefined && entry.container.request.autoRemove) this.#options.remove(turn, entry);
    else this.#options.settle(turn, entry);
  }

  #end(turn: Turn, entry: Entry, task: Task): void {
    if (turn.nowMs - entry.startedMs >= SUPPLIER.backoffResetMs) entry.backoffMs = SUPPLIER.firstBackoffMs;
    const { activity } = entry;
    const restartAfterMs = this.afterEnd(turn, entry, { task });
    const { id, exitCode, oomKilled } = task;
    turn.emit({ kind: 'task-exited', containerId: idOf(entry), taskId: id, exitCode, oomKilled, restartAfterMs });
    if (activity.kind === 'removing') return;
    if (activity.kind === 'stopping') {
      for (const id of activity.replyTo) turn.reply(id, { ok: true, kind: 'done' });
      entry.activity = { kind: 'idle' };
    }
    const stays = restartAfterMs !== undefined || (activity.kind === 'stopping' && activity.keep);
    if (entry.container.request.autoRemove && !stays) this.#options.remove(turn, entry);
    else this.#options.settle(turn, entry);
  }
}

const NEW_TASK: Omit<Task, 'id'> = {
  state: 'pending',
  startedAtMs: 0,
  finishedAtMs: 0,
  exitCode: 0,
  oomKilled: false,
  error: '',
  pid: 0,
};

function noRoom(context: Context, entry: Entry): CoreError {
  const why = lacking(roomOf(entry.container), context.ledger.free())?.detail ?? 'it does not fit';
  return {
    code: 'no-room',
    message: `${called(entry)} gave its room back when it ended, and ${context.self().name} has too little now: ${why}. Stop another container there, or remove this one and run it anew.`,
    changed: false,
  };
}
