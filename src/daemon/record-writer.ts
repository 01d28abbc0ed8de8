import type { Container, ContainerId, OrderAnswer } from '../core/model/index.ts';
import type { Store } from '../store/port.ts';

interface Write {
  readonly perform: () => void;
  readonly answer: (answer: OrderAnswer) => void;
}

/**
 * Writes containers' records, those of one round of the event loop with one flush of the disk: a burst
 * of launches costs as many flushes as rounds, not as containers, and the loop stands still less. Each is
 * answered when it is durable. Where a group fails, each of its writes is tried alone: one that a full
 * disk refuses takes no other along, and what ends a container may use the room set aside for that.
 */
export class RecordWriter {
  readonly #store: Store;
  #waiting: Write[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  put(container: Container): Promise<OrderAnswer> {
    return this.#later(() => this.#store.putContainer(container));
  }

  forget(id: ContainerId, removedAtMs: number): Promise<OrderAnswer> {
    return this.#later(() => this.#store.forgetContainer(id, removedAtMs));
  }

  /** Writes now what waits. */
  flush(): void {
    const group = this.#waiting;
    this.#waiting = [];
    if (group.length > 1 && this.#together(group)) return;
    for (const { perform, answer } of group) answer(written(perform));
  }

  #together(group: readonly Write[]): boolean {
    try {
      this.#store.transaction(() => {
        for (const { perform } of group) perform();
      });
    } catch {
      return false;
    }
    for (const { answer } of group) answer({ ok: true });
    return true;
  }

  #later(perform: () => void): Promise<OrderAnswer> {
    return new Promise((answer) => {
      this.#waiting.push({ perform, answer });
      // After all that this round of the loop reads from sockets.
      if (this.#waiting.length === 1) setImmediate(() => this.flush());
    });
  }
}

/** Performs one write; a failure is an answer. */
export function written(perform: () => void): OrderAnswer {
  try {
    perform();
    return { ok: true };
  } catch (error) {
    const message = `this node could not write its state: ${(error as Error).message}. Free some disk space or check the disk, then try again.`;
    return { ok: false, error: { code: 'store-failed', message, changed: false } };
  }
}
