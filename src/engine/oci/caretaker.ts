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
  readonly #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param trouble is told what keeps it from hearing of exits, or a round from being made; rounds go on. */
  constructor(exitDir: string, charge: Charge, trouble: (why: string) => void) {
    try {
      // The first event names conmon's temporary file; the rename to the container's id comes second.
      this.#watcher = watch(exitDir, { persistent: false }, (_, name) => {
        const id = name === null ? undefined : idOf(name);
        if (id !== undefined) charge.look(id);
      });
      this.#watcher.on('error', (error) => trouble(`exits are noticed late, as ${exitDir} can't be watched any more: ${String(error)}`));
    } catch (error) {
      // The host's other programs may use up what there is of inotify (fs.inotify.max_user_instances).
      trouble(`exits are noticed late, as ${exitDir} can't be watched: ${String(error)}; see sysctl fs.inotify`);
    }
    const next = (): void => {
      this.#timer = setTimeout(() => {
        void charge
          .round()
          .catch((error: unknown) => trouble(`a round of the containers failed: ${String(error)}`))
          .finally(() => {
            if (!this.#closed) next();
          });
      }, ROUND_MS).unref();
    };
    next();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }
}

function idOf(name: string): ContainerId | undefined {
  try {
    return containerId(name);
  } catch {
    return undefined;
  }
}
