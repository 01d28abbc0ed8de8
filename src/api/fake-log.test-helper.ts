import type { LogEntry, LogOptions } from '../engine/port.ts';

/** A container's log, in memory. */
export class FakeLog {
  readonly #entries: LogEntry[] = [];
  readonly #wakes = new Set<() => void>();
  #open = true;
  readers = 0;

  append(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#wake();
  }

  end(): void {
    this.#open = false;
    this.#wake();
  }

  reopen(): void {
    this.#open = true;
  }

  async *read(options: LogOptions): AsyncGenerator<LogEntry> {
    this.readers++;
    try {
      let at = options.tail === undefined ? 0 : Math.max(0, this.#entries.length - options.tail);
      while (!options.signal.aborted) {
        const entry = this.#entries[at++];
        if (entry !== undefined) {
          if (options[entry.stream]) yield entry;
          continue;
        }
        at--;
        if (!options.follow || !this.#open) return;
        await new Promise<void>((resolve) => {
          this.#wakes.add(resolve);
          options.signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    } finally {
      this.readers--;
    }
  }

  #wake(): void {
    for (const wake of this.#wakes) wake();
    this.#wakes.clear();
  }
}
