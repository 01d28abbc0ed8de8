/**
 * Another name for a container: because a user asked for it, or because two of one name had been made on both
 * sides of a partition, and the other one is older (DESIGN §6, Name directory). Durable before it is told. In
 * a conflict the name's owner repeats its word until it has happened, so what can't be done now is left for then.
 */
import type { ContainerId, CoreError, Turn } from '../model/index.ts';
import type { Context } from './context.ts';
import { called, idOf } from './entry.ts';
import type { Entry } from './entry.ts';

/** @param error undefined: it has the name, durably */
export type Renamed = (turn: Turn, error: CoreError | undefined) => void;

export class Renames {
  readonly #context: Context;
  readonly #underWay = new Set<ContainerId>();

  constructor(context: Context) {
    this.#context = context;
  }

  rename(turn: Turn, entry: Entry, to: string, why: string, then: Renamed = () => undefined): void {
    const id = idOf(entry);
    const { kind } = entry.activity;
    // Its first record is on the way, or its last.
    const busy = kind === 'recording' || kind === 'rolling-back' || kind === 'removing';
    if (busy || this.#underWay.has(id)) {
      const what = !busy ? 'renamed' : kind === 'recording' ? 'created' : 'removed';
      return then(turn, { code: 'wrong-state', message: `${called(entry)} is just being ${what}: try again later`, changed: false });
    }
    const from = entry.container.name;
    this.#underWay.add(id);
    this.#context.record(turn, entry, { name: to }, (turn, error) => {
      this.#underWay.delete(id);
      if (error !== undefined) {
        entry.container = { ...entry.container, name: from };
        return then(turn, error);
      }
      this.#context.named.add(id);
      turn.emit({ kind: 'container-renamed', containerId: id, from, to, why });
      then(turn, undefined);
    });
  }
}
