/**
 * What a pause and an update have in common: the container stays as it is and nothing else is ordered until they
 * are over; its end, or the end of its back-off, may be seen meanwhile and counts afterwards.
 */
import { assert } from '../../lib/assert.ts';
import type { Turn } from '../model/index.ts';
import type { Entry } from './entry.ts';
import type { Tasks } from './tasks.ts';

export class Changes {
  readonly #tasks: Tasks;
  readonly #settle: (turn: Turn, entry: Entry) => void;

  constructor(tasks: Tasks, settle: (turn: Turn, entry: Entry) => void) {
    this.#tasks = tasks;
    this.#settle = settle;
  }

  /** The entry is idle or backing off. */
  begin(entry: Entry): void {
    const { activity } = entry;
    const backOff = activity.kind === 'backing-off' ? { token: activity.token, isOver: false } : undefined;
    entry.activity = { kind: 'changing', early: undefined, backOff };
  }

  /** The 'restart' timer. */
  restartDue(entry: Entry, token: number): void {
    const { activity } = entry;
    if (activity.kind !== 'changing' || activity.backOff?.token !== token) return;
    entry.activity = { ...activity, backOff: { token, isOver: true } };
  }

  end(turn: Turn, entry: Entry): void {
    const { activity } = entry;
    assert(activity.kind === 'changing', 'nothing else begins before a change is over');
    const { early, backOff } = activity;
    entry.activity = backOff === undefined ? { kind: 'idle' } : { kind: 'backing-off', token: backOff.token };
    if (early !== undefined) this.#tasks.exited(turn, entry, early);
    else if (backOff?.isOver === true) this.#tasks.restart(turn, entry);
    else this.#settle(turn, entry);
  }
}
