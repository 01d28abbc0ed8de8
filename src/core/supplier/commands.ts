/**
 * start, stop, kill, pause, update, remove: what the API asks of one container. Docker's semantics: starting
 * what runs and stopping what doesn't change nothing (wrong-state, which the API maps to 304); removing what
 * runs needs force. A command that comes while an order is under way waits its turn, none is lost; kill
 * overtakes a stop, a forced removal overtakes a stop, too.
 */
import type { CommandId, CoreError, Result, Turn } from '../model/index.ts';
import { assertNever } from '../../lib/assert.ts';
import type { Context } from './context.ts';
import { called, ended, idOf } from './entry.ts';
import type { ContainerCommand, Entry } from './entry.ts';
import type { Pauses } from './pauses.ts';
import type { Removals } from './removals.ts';
import type { Stops } from './stops.ts';
import type { Tasks } from './tasks.ts';
import { SUPPLIER } from './tunables.ts';
import type { Updates } from './updates.ts';

export interface CommandsOptions {
  readonly context: Context;
  readonly tasks: Tasks;
  readonly stops: Stops;
  readonly pauses: Pauses;
  readonly updates: Updates;
  readonly removals: Removals;
}

export class Commands {
  readonly #context: Context;
  readonly #tasks: Tasks;
  readonly #stops: Stops;
  readonly #pauses: Pauses;
  readonly #updates: Updates;
  readonly #removals: Removals;

  constructor({ context, tasks, stops, pauses, updates, removals }: CommandsOptions) {
    this.#context = context;
    this.#tasks = tasks;
    this.#stops = stops;
    this.#pauses = pauses;
    this.#updates = updates;
    this.#removals = removals;
  }

  command(turn: Turn, id: CommandId, command: ContainerCommand): void {
    const entry = this.#context.entries.get(command.containerId);
    if (entry === undefined) return turn.reply(id, failure('no-such-container', missing(command.containerId)));
    if (!this.#mayNow(entry, command)) {
      if (entry.waiting.length >= SUPPLIER.waitingCommands) {
        return turn.reply(id, failure('wrong-state', `${called(entry)} has ${entry.waiting.length} commands waiting; try again later`));
      }
      entry.waiting.push({ id, command });
      return;
    }
    this.#run(turn, entry, id, command);
  }

  /** Runs waiting commands until one gives an order; answers them all where the container is gone. */
  settle(turn: Turn, entry: Entry): void {
    for (let next = entry.waiting[0]; next !== undefined; next = entry.waiting[0]) {
      if (this.#context.entries.get(idOf(entry)) !== entry) {
        entry.waiting.shift();
        turn.reply(next.id, failure('no-such-container', missing(idOf(entry))));
        continue;
      }
      if (!this.#mayNow(entry, next.command)) return;
      entry.waiting.shift();
      this.#run(turn, entry, next.id, next.command);
    }
  }

  #mayNow(entry: Entry, command: ContainerCommand): boolean {
    const { kind } = entry.activity;
    switch (kind) {
      case 'idle':
      case 'backing-off':
        return true;
      case 'stopping':
        return command.kind === 'stop' || command.kind === 'kill' || command.kind === 'remove';
      case 'removing':
        return command.kind === 'remove';
      case 'changing':
      case 'recording':
      case 'creating':
      case 'rolling-back':
      case 'starting':
        return false;
      default:
        return assertNever(kind);
    }
  }

  #run(turn: Turn, entry: Entry, id: CommandId, command: ContainerCommand): void {
    const running = !ended(entry.container.task);
    const active = running || entry.activity.kind === 'backing-off';
    const paused = running && entry.container.task?.paused === true;
    switch (command.kind) {
      case 'start':
        if (paused) return turn.reply(id, failure('wrong-state', `${called(entry)} is paused: unpause it instead`));
        if (running) return turn.reply(id, failure('wrong-state', `${called(entry)} is already started`));
        return this.#tasks.start(turn, entry, id);
      case 'stop':
        if (!active) return turn.reply(id, failure('wrong-state', `${called(entry)} is already stopped`));
        return this.#stops.stop(turn, entry, id, command);
      case 'kill':
        if (!active) return turn.reply(id, failure('wrong-state', `${called(entry)} is not running`));
        return this.#stops.kill(turn, entry, id, command.signal);
      case 'remove':
        if (active && !command.force && entry.activity.kind !== 'removing') {
          const state = paused ? 'paused: unpause it and stop it first' : 'running: stop it first';
          return turn.reply(id, failure('wrong-state', `${called(entry)} is ${state}, or remove it with force`));
        }
        return this.#removals.remove(turn, entry, id, command.volumes === true);
      case 'pause':
      case 'unpause':
        if (!running) {
          const state = active ? 'restarting, wait until it runs' : 'not running';
          return turn.reply(id, failure('wrong-state', `${called(entry)} is ${state}`));
        }
        if (paused !== (command.kind === 'unpause')) {
          return turn.reply(id, failure('wrong-state', `${called(entry)} is ${paused ? 'already' : 'not'} paused`));
        }
        return this.#pauses.turnTo(turn, entry, id, command.kind === 'pause');
      case 'update':
        return this.#updates.update(turn, entry, id, command);
      default:
        return assertNever(command);
    }
  }
}

const missing = (id: string): string => `no container ${id} on this node`;

function failure(code: CoreError['code'], message: string): Result {
  return { ok: false, error: { code, message, changed: false } };
}
