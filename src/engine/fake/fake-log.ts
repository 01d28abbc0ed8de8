import { once } from 'node:events';
import type { LogEntry, LogOptions, LogStream } from '../port.ts';

const NEWLINE = 0x0a;

/** A container's output in memory. Open while its process runs. */
export class FakeLog {
  readonly #entries: LogEntry[] = [];
  readonly #changes = new EventTarget();
  #open = false;

  open(): void {
    this.#open = true;
  }

  /** One entry per line, as conmon's log has it. */
  write(stream: LogStream, data: Buffer): void {
    const timestamp = new Date().toISOString().replace('Z', '000000Z');
    for (let at = 0; at < data.length; ) {
      const newline = data.indexOf(NEWLINE, at);
      const end = newline < 0 ? data.length : newline + 1;
      this.#entries.push({ stream, timestamp, data: data.subarray(at, end) });
      at = end;
    }
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
