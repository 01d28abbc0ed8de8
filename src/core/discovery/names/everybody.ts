import type { Member, NameEntry, NameKey, NodeId, Turn } from '../../model/index.ts';
import { LIMITS } from '../../model/index.ts';
import type { Found } from './lookup.ts';
import type { Questions } from './questions.ts';

export interface EverybodyOptions {
  readonly self: NodeId;
  /** In all states. */
  readonly members: () => readonly Member[];
  readonly questions: Questions;
}

/**
 * One question to all nodes that are alive, about what each has itself: for small instances, where the key's
 * owner knows of nothing. Cost: two messages for each node.
 */
export class Everybody {
  readonly #options: EverybodyOptions;

  constructor(options: EverybodyOptions) {
    this.#options = options;
  }

  /** @param own what this node has itself; `done` is told that all is complete where everybody answered */
  ask(turn: Turn, key: NameKey, own: Found, done: (turn: Turn, found: Found) => void): void {
    const { self, members, questions } = this.#options;
    const others = members().filter(({ id, state }) => id !== self && (state === 'alive' || state === 'suspect'));
    let waiting = others.length;
    let { complete } = own;
    const entries: NameEntry[] = [...own.entries];
    if (waiting === 0) return done(turn, own);
    for (const { id } of others) {
      questions.ask(turn, id, key, true, (turn, found) => {
        entries.push(...found.entries);
        complete &&= found.complete;
        if (--waiting === 0) done(turn, { entries: entries.slice(0, LIMITS.namesPerKey), complete });
      });
    }
  }

  /** Whether there is a member that may run on where it can't be asked. */
  isSomebodyDead(): boolean {
    return this.#options.members().some(({ state }) => state === 'dead');
  }
}
