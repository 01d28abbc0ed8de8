import type { LogEntry, LogStream } from '../port.ts';
import type { LogLine } from './log-format.ts';

/** A container's line beyond this comes in pieces. */
const JOIN_BYTES = 64 * 1024;

interface Pending {
  readonly timestamp: string;
  readonly pieces: Buffer[];
  bytes: number;
}

/** Puts the pieces of long lines together again, per stream, under the first piece's time. */
export class LogJoiner {
  readonly #pending = new Map<LogStream, Pending>();

  /** @param ended the line's text with the newline behind it */
  push(line: LogLine, ended: Buffer): LogEntry | undefined {
    // Most lines are whole, and nothing of them need be copied.
    if (!line.partial && !this.#pending.has(line.stream)) return { stream: line.stream, timestamp: line.timestamp, data: ended };
    const pending = this.#pending.get(line.stream) ?? { timestamp: line.timestamp, pieces: [], bytes: 0 };
    pending.pieces.push(line.text);
    pending.bytes += line.text.length;
    if (line.partial && pending.bytes < JOIN_BYTES) {
      this.#pending.set(line.stream, pending);
      return undefined;
    }
    this.#pending.delete(line.stream);
    if (!line.partial) pending.pieces.push(NEWLINE);
    return entry(line.stream, pending);
  }

  get waits(): boolean {
    return this.#pending.size > 0;
  }

  /** What waits for a rest that may never come: a prompt, or output that ended without a newline. */
  flush(): LogEntry[] {
    const entries = [...this.#pending].map(([stream, pending]) => entry(stream, pending));
    this.#pending.clear();
    return entries;
  }
}

const NEWLINE = Buffer.from('\n');

function entry(stream: LogStream, { timestamp, pieces }: Pending): LogEntry {
  return { stream, timestamp, data: Buffer.concat(pieces) };
}
