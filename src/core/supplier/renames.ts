/**
 * Another name for a container: two of one name had been made on both sides of a partition, and the other
 * one is older (DESIGN §6, Name directory). Durable before it is told; the name's owner repeats its word
 * until it has happened, so what can't be done now is left for then.
 */
import type { ContainerId, Turn } from '../model/index.ts';
import type { Context } from './context.ts';
import { idOf } from './entry.ts';
import type { Entry } from './entry.ts';

export class Renames {
  readonly #context: Context;
  readonly #underWay = new Set<ContainerId>();

  constructor(context: Context) {
    this.#context = context;
  }

  rename(turn: Turn, entry: Entry, to: string, why: string): void {
    const id = idOf(entry);
    const { kind } = entry.activity;
    // Its first record is on the way, or its last.
    if (kind === 'recording' || kind === 'rolling-back' || kind === 'removing' || this.#underWay.has(id)) return;
    const from = entry.container.name;
    this.#underWay.add(id);
    this.#context.record(turn, entry, { name: to }, (turn, error) => {
      this.#underWay.delete(id);
      if (error !== undefined) {
        entry.container = { ...entry.container, name: from };
        return;
      }
      this.#context.named.add(id);
      turn.emit({ kind: 'container-renamed', containerId: id, from, to, why });
    });
  }
}
