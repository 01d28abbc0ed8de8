/**
 * Remove: desired `removed` made durable, the engine's part removed, the record replaced by a
 * tombstone. A crash between any two steps is picked up again at the next start.
 */
import type { CommandId, CoreError, Turn } from '../model/index.ts';
import type { Context } from './context.ts';
import { called, ended, idOf, unpaused } from './entry.ts';
import type { Entry } from './entry.ts';
import type { Tasks } from './tasks.ts';
import { containerKey } from './ledger.ts';

export class Removals {
  readonly #context: Context;
  readonly #tasks: Tasks;
  readonly #settle: (turn: Turn, entry: Entry) => void;

  constructor(context: Context, tasks: Tasks, settle: (turn: Turn, entry: Entry) => void) {
    this.#context = context;
    this.#tasks = tasks;
    this.#settle = settle;
  }

  /**
   * @param id whom to answer; undefined where the container removes itself (autoRemove, after a crash).
   * @param volumes whether those that nobody named go with it; with one that removes itself they do
   * @param takenBack the attempt whose buyer takes it back and hears of it by a `launch-refused`.
   */
  remove(turn: Turn, entry: Entry, id: CommandId | undefined, volumes: boolean, takenBack?: number): void {
    const { activity } = entry;
    const replyTo = id === undefined ? [] : [id];
    if (activity.kind === 'removing') {
      entry.activity = { ...activity, replyTo: [...activity.replyTo, ...replyTo], takenBack: takenBack ?? activity.takenBack };
      return;
    }
    // A stop under way gets its wish.
    if (activity.kind === 'stopping') replyTo.push(...activity.replyTo);
    entry.activity = { kind: 'removing', replyTo, takenBack };
    const { desired, request, volumesToo } = entry.container;
    const all = volumes || request.autoRemove || volumesToo === true;
    this.#context.record(turn, entry, { desired: 'removed', ...(all && { volumesToo: true }) }, (turn, error) => {
      if (error !== undefined) return this.#fail(turn, entry, error, desired);
      const containerId = idOf(entry);
      this.#context.orders.perform(turn, { kind: 'engine-remove', containerId, volumes: all }, (turn, answer) => {
        if (!answer.ok) return this.#fail(turn, entry, answer.error, 'stopped');
        this.#release(turn, entry);
        this.#forget(turn, entry);
      });
    });
  }

  /** The engine has nothing left of it: what it held is free, whether or not its end was seen. */
  #release(turn: Turn, entry: Entry): void {
    const { task } = entry.container;
    this.#context.ledger.release(containerKey(idOf(entry)));
    entry.container = { ...entry.container, holding: false };
    if (task === undefined || ended(task)) return;
    entry.container = {
      ...entry.container,
      task: { ...unpaused(task), state: 'exited', exitCode: 137, finishedAtMs: turn.wallMs, pid: 0 },
    };
    turn.emit({
      kind: 'task-exited',
      containerId: idOf(entry),
      taskId: task.id,
      exitCode: 137,
      oomKilled: false,
      restartAfterMs: undefined,
    });
  }

  #forget(turn: Turn, entry: Entry): void {
    const containerId = idOf(entry);
    const removedAtMs = turn.wallMs;
    this.#context.orders.perform(turn, { kind: 'forget-container', containerId, removedAtMs }, (turn, answer) => {
      if (!answer.ok) return this.#fail(turn, entry, { ...answer.error, changed: true }, 'removed');
      this.#context.drop(entry);
      const { activity } = entry;
      const takenBack = activity.kind === 'removing' ? activity.takenBack : undefined;
      this.#context.bury(turn, { containerId, removedAtMs, error: takenBack === undefined ? undefined : takenBackError(entry) });
      turn.emit({ kind: 'container-removed', containerId, name: entry.container.name });
      if (takenBack !== undefined) tellBuyer(turn, entry, takenBack);
      if (activity.kind === 'removing') for (const id of activity.replyTo) turn.reply(id, { ok: true, kind: 'done' });
      this.#settle(turn, entry);
    });
  }

  #fail(turn: Turn, entry: Entry, error: CoreError, desired: Entry['container']['desired']): void {
    if (entry.activity.kind !== 'removing') return;
    for (const id of entry.activity.replyTo) turn.reply(id, { ok: false, error });
    entry.activity = { kind: 'idle' };
    this.#context.note(turn, entry, { desired, volumesToo: false });
    // It was backing off: policy or release, as the record now says.
    if (entry.container.holding && entry.container.task !== undefined && ended(entry.container.task)) this.#tasks.afterEnd(turn, entry);
    this.#settle(turn, entry);
  }
}

function tellBuyer(turn: Turn, entry: Entry, attempt: number): void {
  const { request, buyer } = entry.container;
  const { id: requestId, containerId } = request;
  turn.send(buyer, { kind: 'launch-refused', requestId, containerId, attempt, error: takenBackError(entry) });
}

const takenBackError = (entry: Entry): CoreError => ({
  code: 'cancelled',
  message: `${called(entry)} was taken back with the rest of its stack`,
  changed: false,
});
