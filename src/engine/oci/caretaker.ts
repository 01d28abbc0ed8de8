import { type FSWatcher, watch } from 'node:fs';
import { type ContainerId, containerId } from '../../core/model/index.ts';

export interface Charge {
  /** Something about this container's end may have happened. */
  look(id: ContainerId): void;
  /** Looks at every running container: conmon alive, log not too long. */
  round(): Promise<void>;
  /** Whether there is any. */
  isNeeded(): boolean;
}

/** Between rounds. A conmon that was killed is noticed within this time. */
const ROUND_MS = 1_000;

/**
 * Hears of exits from the directory conmon writes them to, and makes rounds for what nobody tells. While
 * nothing runs there are none: on a node without work, each second's waking would be a tenth of its cost.
 */
export class Caretaker {
  readonly #charge: Charge;
  readonly #trouble: (why: string) => void;
  readonly #watcher: FSWatcher | undefined;
  /** Of the next round, or the one being made; undefined while there are none. */
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param trouble is told what keeps it from hearing of exits, or a round from being made; rounds go on. */
  constructor(exitDir: string, charge: Charge, trouble: (why: string) => void) {
    this.#charge = charge;
    this.#trouble = trouble;
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
  }

  /** Something may run now: rounds are made for as long as any is needed. */
  rouse(): void {
    this.#timer ??= this.#next();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }

  #next(): NodeJS.Timeout | undefined {
    if (this.#closed || !this.#charge.isNeeded()) return undefined;
    return setTimeout(() => void this.#round(), ROUND_MS).unref();
  }

  async #round(): Promise<void> {
    try {
      await this.#charge.round();
    } catch (error) {
      this.#trouble(`a round of the containers failed: ${String(error)}`);
    }
    this.#timer = this.#next();
  }
}

function idOf(name: string): ContainerId | undefined {
  try {
    return containerId(name);
  } catch {
    return undefined;
  }
}
