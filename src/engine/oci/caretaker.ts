import { type FSWatcher, watch } from 'node:fs';
import { type ContainerId, containerId } from '../../core/model/index.ts';

export interface Charge {
  /** Something about this container's end may have happened. */
  look(id: ContainerId): void;
  /** Looks at every running container: conmon alive, log not too long. */
  round(): Promise<void>;
}

/** Between rounds. A conmon that was killed is noticed within this time. */
const ROUND_MS = 1_000;

/** Hears of exits from the directory conmon writes them to, and makes rounds for what nobody tells. */
export class Caretaker {
  readonly #watcher: FSWatcher;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(exitDir: string, charge: Charge) {
    // The first event names conmon's temporary file; the rename to the container's id comes second.
    this.#watcher = watch(exitDir, { persistent: false }, (_, name) => {
      const id = name === null ? undefined : idOf(name);
      if (id !== undefined) charge.look(id);
    });
    this.#watcher.on('error', () => undefined);
    const next = (): void => {
      this.#timer = setTimeout(() => {
        void charge.round().finally(() => {
          if (!this.#closed) next();
        });
      }, ROUND_MS).unref();
    };
    next();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watcher.close();
  }
}

function idOf(name: string): ContainerId | undefined {
  try {
    return containerId(name);
  } catch {
    return undefined;
  }
}
