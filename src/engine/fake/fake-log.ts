import { once } from 'node:events';
import type { LogEntry, LogOptions, LogStream } from '../port.ts';

/** A container's output in memory. Open while its process runs. */
export class FakeLog {
  readonly #entries: LogEntry[] = [];
  readonly #changes = new EventTarget();
  #open = false;

  open(): void {
    this.#open = true;
  }

  /** One entry per line, as conmon's log has it. */
  write(stream: LogStream, text: string): void {
    const timestamp = new Date().toISOString().replace('Z', '000000Z');
    for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) this.#entries.push({ stream, timestamp, data: Buffer.from(line) });
    this.#changes.dispatchEvent(new Event('change'));
  }

  close(): void {
    this.#open = false;
    this.#changes.dispatchEvent(new Event('change'));
  }

  async closed(): Promise<void> {
    while (this.#open) await once(this.#changes, 'change');
  }

  async *read(options: LogOptions): AsyncGenerator<LogEntry> {
    let next = options.tail === undefined ? 0 : Math.max(0, this.#entries.length - options.tail);
    while (!options.signal.aborted) {
      for (; next < this.#entries.length && !options.signal.aborted; next++) {
        const entry = this.#entries[next];
        if (entry !== undefined && isWanted(entry, options)) yield entry;
      }
      if (!options.follow || !this.#open) return;
      await once(this.#changes, 'change', { signal: options.signal }).catch(() => undefined);
    }
  }
}

function isWanted(entry: LogEntry, { stdout, stderr, sinceMs = -Infinity, untilMs = Infinity }: LogOptions): boolean {
  const ms = Date.parse(entry.timestamp);
  return (entry.stream === 'stdout' ? stdout : stderr) && ms >= sinceMs && ms <= untilMs;
}
