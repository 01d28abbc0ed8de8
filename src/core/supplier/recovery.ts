/**
 * What a restart of this node makes of what it kept (DESIGN §2.4, §6). First everything launched is
 * counted, even where that oversubscribes a capacity that shrank; then each container goes on from
 * where its record and the engine together say it was: running tasks are kept, ended ones go by
 * policy, vanished ones (a reboot) end and go by policy, too, half-made ones are made again, half-removed
 * ones are removed. Nobody else is asked. Holds that were not launched are gone.
 */
import type { Container, ContainerId, Observation, Task, Turn } from '../model/index.ts';
import type { Context } from './context.ts';
import { ended, idOf, roomOf, unpaused } from './entry.ts';
import type { Activity, Entry } from './entry.ts';
import type { Launches } from './launches.ts';
import { containerKey } from './ledger.ts';
import type { Removals } from './removals.ts';
import { wantsRestart } from './restart-policy.ts';
import type { Tasks } from './tasks.ts';
import { SUPPLIER } from './tunables.ts';
import type { Updates } from './updates.ts';

export interface KeptRun {
  readonly containerId: ContainerId;
  readonly taskId: Task['id'];
  readonly pid: number;
  readonly startedAtMs: number;
  readonly paused: boolean;
}

/** Enters kept containers and counts what they hold. No effects: called before the first turn. */
export function restore(
  context: Context,
  containers: readonly Container[],
  running: readonly KeptRun[],
  exited: readonly Observation[],
): void {
  const runs = new Set(running.map((run) => run.containerId));
  const exits = new Map(exited.map((exit) => [exit.containerId, exit]));
  for (const container of containers) {
    const { containerId } = container.request;
    const holding = runs.has(containerId) || holdsOn(container, exits.get(containerId));
    const activity: Activity = { kind: 'idle' };
    const backoffMs = SUPPLIER.firstBackoffMs;
    context.add({ container: { ...container, holding }, activity, waiting: [], storeRetry: false, unstarted: 0, backoffMs, startedMs: 0 });
    if (holding) context.ledger.count(containerKey(containerId), roomOf(container));
  }
}

/**
 * Whether a container that doesn't run still holds. Not by the record alone: one that ended, or whose
 * removal is under way, gave its room back even if a full disk kept that from being written, and others
 * may have been admitted into it since.
 */
function holdsOn(container: Container, exit: Observation | undefined): boolean {
  const { task, holding, desired } = container;
  if (!holding || desired === 'removed') return false;
  return task === undefined || wantsRestart({ ...container, task: endOf(task, exit) });
}

/** Where not even the engine knows how a task ended, it vanished with its host: Docker shows 255 for those. */
function endOf(task: Task, exit: Observation | undefined): Task {
  if (ended(task)) return task;
  return { ...unpaused(task), state: 'exited', pid: 0, exitCode: exit?.taskId === task.id ? exit.exitCode : 255 };
}

export interface RecoveryOptions {
  readonly context: Context;
  readonly tasks: Tasks;
  readonly launches: Launches;
  readonly removals: Removals;
  readonly updates: Updates;
}

export class Recovery {
  readonly #context: Context;
  readonly #tasks: Tasks;
  readonly #launches: Launches;
  readonly #removals: Removals;
  readonly #updates: Updates;

  constructor({ context, tasks, launches, removals, updates }: RecoveryOptions) {
    this.#context = context;
    this.#tasks = tasks;
    this.#launches = launches;
    this.#removals = removals;
    this.#updates = updates;
  }

  resume(turn: Turn, running: readonly KeptRun[], exited: readonly Observation[]): void {
    const runs = new Map(running.map((run) => [run.containerId, run]));
    const exits = new Map(exited.map((exit) => [exit.containerId, exit]));
    for (const entry of this.#context.entries.values()) {
      this.#resume(turn, entry, runs.get(idOf(entry)), exits.get(idOf(entry)));
    }
  }

  #resume(turn: Turn, entry: Entry, run: KeptRun | undefined, exit: Observation | undefined): void {
    const { container } = entry;
    entry.startedMs = turn.nowMs;
    if (container.desired === 'removed') {
      // Its end may be all that a full disk kept from being written; where it still is full, the record is what remains.
      if (run === undefined && container.task !== undefined) entry.container = { ...container, task: endOf(container.task, exit) };
      return this.#removals.remove(turn, entry, undefined, false);
    }
    if (container.readiness !== 'ready') this.#launches.create(turn, entry, 0);
    else if (run !== undefined) this.#adopt(turn, entry, run);
    else this.#goOn(turn, entry, exit);
    this.#updates.repeat(turn, entry);
  }

  /** It does not run. */
  #goOn(turn: Turn, entry: Entry, exit: Observation | undefined): void {
    const { container } = entry;
    const { task } = container;
    if (task === undefined) {
      if (container.holding) this.#context.awaitStart(turn, entry);
    } else if (!ended(task)) {
      this.#finish(turn, entry, task, exit);
    } else if (!this.#startsWithNode(turn, entry)) {
      this.#decide(turn, entry);
    }
  }

  #adopt(turn: Turn, entry: Entry, { taskId, pid, startedAtMs, paused }: KeptRun): void {
    const before = entry.container.task;
    if (before?.id === taskId && before.state === 'running' && before.pid === pid && (before.paused === true) === paused) return;
    const task: Task = { id: taskId, state: 'running', startedAtMs, finishedAtMs: 0, exitCode: 0, oomKilled: false, error: '', pid };
    this.#context.note(turn, entry, { task: paused ? { ...task, paused } : task, holding: true });
  }

  #finish(turn: Turn, entry: Entry, task: Task, exit: Observation | undefined): void {
    const { exitCode } = endOf(task, exit);
    const unseen = { containerId: idOf(entry), taskId: task.id, exitCode, oomKilled: false, finishedAtMs: turn.wallMs };
    this.#tasks.exited(turn, entry, exit?.taskId === task.id ? exit : { kind: 'exited', ...unseen });
  }

  /** Docker's difference between `always` and `unless-stopped`: the former comes back with the daemon, though a user stopped it. */
  #startsWithNode(turn: Turn, entry: Entry): boolean {
    const { request, desired } = entry.container;
    if (request.restart.name !== 'always' || desired !== 'stopped') return false;
    const { ledger } = this.#context;
    const key = containerKey(idOf(entry));
    if (!ledger.has(key) && !ledger.admit(key, roomOf(entry.container))) return false;
    entry.container = { ...entry.container, desired: 'running', holding: true };
    this.#tasks.afterEnd(turn, entry);
    return true;
  }

  #decide(turn: Turn, entry: Entry): void {
    if (entry.container.holding) this.#tasks.afterEnd(turn, entry);
    if (entry.activity.kind === 'idle' && entry.container.request.autoRemove) this.#removals.remove(turn, entry, undefined, true);
  }
}
