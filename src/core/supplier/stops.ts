/**
 * Stop and kill. What the user ends must not come back by its restart policy, not even after a crash
 * between the signal and the exit: `desired` is durable before the first signal goes out.
 */
import type { Command, CommandId, CoreError, Turn } from '../model/index.ts';
import type { Context } from './context.ts';
import { called, ended, idOf, unpaused } from './entry.ts';
import type { Entry } from './entry.ts';
import type { Tasks } from './tasks.ts';
import { SUPPLIER } from './tunables.ts';

/** Signals by which a user means to end a container; any other (HUP, USR1, …) leaves its policy in force. */
const ENDING = new Set(['KILL', 'TERM', 'INT', 'QUIT', 'ABRT', '9', '15', '2', '3', '6']);
const KILLING = new Set(['KILL', '9']);
const plainName = (signal: string): string => signal.toUpperCase().replace(/^SIG/, '');

type Wish = Pick<Extract<Command, { readonly kind: 'stop' }>, 'signal' | 'timeoutMs' | 'keep'>;

export class Stops {
  readonly #context: Context;
  readonly #tasks: Tasks;
  readonly #settle: (turn: Turn, entry: Entry) => void;

  constructor(context: Context, tasks: Tasks, settle: (turn: Turn, entry: Entry) => void) {
    this.#context = context;
    this.#tasks = tasks;
    this.#settle = settle;
  }

  /** Answered when the task has ended. The entry runs, backs off, or is being stopped already. */
  stop(turn: Turn, entry: Entry, id: CommandId, { signal, timeoutMs, keep = false }: Wish): void {
    const { activity } = entry;
    if (activity.kind === 'stopping') {
      entry.activity = { ...activity, replyTo: [...activity.replyTo, id], keep: activity.keep && keep };
      return;
    }
    entry.activity = { kind: 'stopping', replyTo: [id], token: 0, keep };
    const { request, desired } = entry.container;
    this.#context.record(turn, entry, { desired: 'stopped' }, (turn, error) => {
      if (entry.activity.kind !== 'stopping') return;
      if (error !== undefined) {
        entry.container = { ...entry.container, desired };
        return this.#over(turn, entry, error);
      }
      if (ended(entry.container.task)) return this.#over(turn, entry, undefined);
      const stopped = entry.container.task?.id;
      const waitMs = timeoutMs ?? request.stopTimeoutMs;
      this.#context.orders.perform(
        turn,
        { kind: 'engine-stop', containerId: idOf(entry), signal: signal ?? request.stopSignal, timeoutMs: waitMs },
        (turn, answer) => {
          const { activity, container } = entry;
          // An answer that comes after the end belongs to no stop that is still waiting.
          if (activity.kind !== 'stopping' || container.task?.id !== stopped) return;
          if (!answer.ok) return this.#over(turn, entry, answer.error);
          this.#goesOn(turn, entry);
          // A negative timeout means "wait as long as it takes".
          if (waitMs < 0) return;
          const token = this.#context.setTimer(turn, 'stop', idOf(entry), waitMs + SUPPLIER.stopGraceMs);
          entry.activity = { ...activity, token };
        },
      );
    });
  }

  kill(turn: Turn, entry: Entry, id: CommandId, signal: string): void {
    const { request, desired } = entry.container;
    const plain = plainName(signal);
    const ending = ENDING.has(plain) || plain === plainName(request.stopSignal);
    if (entry.activity.kind === 'backing-off') {
      if (ending) return this.stop(turn, entry, id, { signal: undefined, timeoutMs: undefined });
      return turn.reply(id, {
        ok: false,
        error: { code: 'wrong-state', message: `${called(entry)} is waiting to be restarted, it runs nothing to signal`, changed: false },
      });
    }
    if (!ending || desired === 'stopped') return this.#signal(turn, entry, id, signal, ending);
    this.#context.record(turn, entry, { desired: 'stopped' }, (turn, error) => {
      if (error === undefined) return this.#signal(turn, entry, id, signal, ending);
      entry.container = { ...entry.container, desired };
      turn.reply(id, { ok: false, error });
    });
  }

  /** The engine said that it sent the signals, and nobody saw the end. */
  timer(turn: Turn, entry: Entry, token: number): void {
    if (entry.activity.kind !== 'stopping' || entry.activity.token !== token) return;
    const message = `${called(entry)} was told to stop and has not ended; see the engine's log, or remove it with force`;
    this.#over(turn, entry, { code: 'engine-failed', message, changed: true });
  }

  #signal(turn: Turn, entry: Entry, id: CommandId, signal: string, ending: boolean): void {
    const { orders } = this.#context;
    const containerId = idOf(entry);
    orders.perform(turn, { kind: 'engine-kill', containerId, signal }, (turn, answer) => {
      if (!answer.ok) return turn.reply(id, { ok: false, error: answer.error });
      if (ending && KILLING.has(plainName(signal))) this.#goesOn(turn, entry);
      if (!ending || entry.container.task?.paused !== true) return turn.reply(id, { ok: true, kind: 'done' });
      // Until it is unpaused, it gets to hear of no other signal.
      orders.perform(turn, { kind: 'engine-unpause', containerId }, (turn, answer) => {
        if (answer.ok) this.#goesOn(turn, entry);
        const failed = !answer.ok && !ended(entry.container.task);
        turn.reply(id, failed ? { ok: false, error: { ...answer.error, changed: true } } : { ok: true, kind: 'done' });
      });
    });
  }

  /** To come to its end it is paused no longer. */
  #goesOn(turn: Turn, entry: Entry): void {
    const { task } = entry.container;
    if (task?.paused !== true || ended(task)) return;
    this.#context.note(turn, entry, { task: unpaused(task) });
    turn.emit({ kind: 'task-unpaused', containerId: idOf(entry), taskId: task.id });
  }

  #over(turn: Turn, entry: Entry, error: CoreError | undefined): void {
    if (entry.activity.kind !== 'stopping') return;
    for (const id of entry.activity.replyTo) turn.reply(id, error === undefined ? { ok: true, kind: 'done' } : { ok: false, error });
    entry.activity = { kind: 'idle' };
    // It was backing off, or ended while the stop was being recorded: policy or release, as the record now says.
    if (ended(entry.container.task) && entry.container.holding && entry.container.task !== undefined) this.#tasks.afterEnd(turn, entry);
    this.#settle(turn, entry);
  }
}
