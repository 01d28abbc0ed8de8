import type { Event, Member } from '../core/model/index.ts';
import type { Store } from '../store/port.ts';
import type { Log } from './log.ts';

/** News come in bursts; the list is written once they pause. */
const SETTLE_MS = 1_000;

/** Writes the members down when they change, so that this node finds back by itself after a restart. */
export class MemberKeeper {
  readonly #store: Store;
  readonly #members: () => readonly Member[];
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Store, members: () => readonly Member[], log: Log) {
    this.#store = store;
    this.#members = members;
    this.#log = log;
  }

  see(event: Event): void {
    if (event.kind !== 'member-alive' && event.kind !== 'member-dead' && event.kind !== 'member-left') return;
    this.#timer ??= setTimeout(() => this.#write(), SETTLE_MS);
  }

  close(): void {
    if (this.#timer !== undefined) this.#write();
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      const kept = this.#members().filter((member) => member.state !== 'left');
      this.#store.putMembers(kept.map(({ state: _state, ...record }) => record));
    } catch (error) {
      this.#log('warn', 'the list of members could not be written', { error: (error as Error).message });
    }
  }
}
