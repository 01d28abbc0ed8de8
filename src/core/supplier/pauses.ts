/**
 * Pause and unpause. The engine does it and the record follows: that a task is paused is seen, not wanted, and
 * after a crash the engine tells it again.
 */
import type { CommandId, Turn } from '../model/index.ts';
import type { Changes } from './changes.ts';
import type { Context } from './context.ts';
import { ended, idOf, unpaused } from './entry.ts';
import type { Entry } from './entry.ts';

export class Pauses {
  readonly #context: Context;
  readonly #changes: Changes;

  constructor(context: Context, changes: Changes) {
    this.#context = context;
    this.#changes = changes;
  }

  /** The entry is idle and its task runs, paused or not as it is not to be. */
  turnTo(turn: Turn, entry: Entry, id: CommandId, paused: boolean): void {
    this.#changes.begin(entry);
    const containerId = idOf(entry);
    this.#context.orders.perform(turn, { kind: paused ? 'engine-pause' : 'engine-unpause', containerId }, (turn, answer) => {
      const { task } = entry.container;
      if (answer.ok && task !== undefined && !ended(task)) {
        this.#context.note(turn, entry, { task: paused ? { ...task, paused } : unpaused(task) });
        turn.emit({ kind: paused ? 'task-paused' : 'task-unpaused', containerId, taskId: task.id });
      }
      turn.reply(id, answer.ok ? { ok: true, kind: 'done' } : { ok: false, error: answer.error });
      this.#changes.end(turn, entry);
    });
  }
}
