import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { LogEntry, LogOptions } from '../port.ts';
import { type OpenLog, openLogs, openSuccessor } from './log-files.ts';
import { parseLogLine, timestampMs } from './log-format.ts';
import { LogJoiner } from './log-joiner.ts';
import { findTail } from './log-tail.ts';

const CHUNK_BYTES = 64 * 1024;
/** A line of conmon's has at most 8 KiB; beyond this what is read is no log. */
const LINE_BYTES = 1024 * 1024;
/** How long a follower waits where no change was announced: a missed event costs this much. */
const IDLE_MS = 1_000;
/** How long the beginning of a line waits for its rest before it is shown as it is: a prompt, perhaps. */
const PIECE_MS = 50;
const NEWLINE = 0x0a;

/**
 * A container's log across its files, from the start or the last lines, and on as it grows.
 * @param ended aborted once nothing more is written: conmon has written all before it says "exited"
 */
export async function* readLog(path: string, options: LogOptions, ended: AbortSignal): AsyncGenerator<LogEntry> {
  const { sinceMs = Number.NEGATIVE_INFINITY, untilMs = Number.POSITIVE_INFINITY } = options;
  const isBounded = options.sinceMs !== undefined || options.untilMs !== undefined;
  const isWithin = (ms: number): boolean => !(ms < sinceMs || ms > untilMs);
  const wanted = (entry: LogEntry): boolean => options[entry.stream] && (!isBounded || isWithin(timestampMs(entry.timestamp)));
  const logs = await openLogs(path);
  try {
    const from = options.tail === undefined ? { log: 0, offset: 0 } : await findTail(logs, options.tail);
    for (const log of logs.splice(0, from.log)) await log.file.close();
    const change = options.follow ? new Change(dirname(path), [options.signal, ended]) : undefined;
    try {
      const cursor = new Cursor(path, logs, from.offset);
      while (!options.signal.aborted) {
        // Asked before reading: what was written until the end is then surely read.
        const running = !ended.aborted;
        const { entries, more } = await cursor.next();
        yield* entries.filter(wanted);
        if (more) continue;
        if (change === undefined || !running || (options.untilMs !== undefined && Date.now() > options.untilMs)) {
          yield* cursor.flush().filter(wanted);
          return;
        }
        if (await change.within(cursor.waits ? PIECE_MS : IDLE_MS)) continue;
        yield* cursor.flush().filter(wanted);
      }
    } finally {
      change?.close();
    }
  } finally {
    await Promise.all(logs.map((log) => log.file.close()));
  }
}

/** Reads on through the files as they are rotated. Owns nothing: the files stay in `logs`. */
class Cursor {
  readonly #path: string;
  readonly #logs: OpenLog[];
  readonly #joiner = new LogJoiner();
  #offset: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(path: string, logs: OpenLog[], offset: number) {
    this.#path = path;
    this.#logs = logs;
    this.#offset = offset;
  }

  /** `more`: come again at once. */
  async next(): Promise<{ readonly entries: LogEntry[]; readonly more: boolean }> {
    const log = this.#logs[0];
    if (log === undefined) {
      this.#logs.push(...(await openLogs(this.#path)));
      return { entries: [], more: this.#logs.length > 0 };
    }
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const { bytesRead } = await log.file.read(chunk, 0, chunk.length, this.#offset);
    if (bytesRead > 0) {
      this.#offset += bytesRead;
      return { entries: this.#parse(chunk.subarray(0, bytesRead)), more: true };
    }
    // conmon empties its file in place when it passes the hard limit.
    if ((await log.file.stat()).size < this.#offset) return { entries: this.#restart(), more: true };
    return { entries: [], more: await this.#advance(log) };
  }

  /** Whether a line has begun and not ended. */
  get waits(): boolean {
    return this.#joiner.waits;
  }

  flush(): LogEntry[] {
    return this.#joiner.flush();
  }

  /** To the next file, once this one has one: conmon has then stopped writing here, but may have after our last read. */
  async #advance(log: OpenLog): Promise<boolean> {
    if (this.#logs.length === 1) {
      const next = await openSuccessor(this.#path, log.inode);
      if (next === undefined) return false;
      this.#logs.push(next);
      if ((await log.file.stat()).size > this.#offset) return true;
    }
    this.#logs.shift();
    await log.file.close();
    this.#restart();
    return true;
  }

  #restart(): LogEntry[] {
    this.#offset = 0;
    this.#rest = Buffer.alloc(0);
    return [];
  }

  #parse(chunk: Buffer): LogEntry[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const entries: LogEntry[] = [];
    let start = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, start)) {
      const line = parseLogLine(bytes.subarray(start, at));
      const entry = line === undefined ? undefined : this.#joiner.push(line, bytes.subarray(at - line.text.length, at + 1));
      if (entry !== undefined) entries.push(entry);
      start = at + 1;
    }
    this.#rest = bytes.length - start > LINE_BYTES ? Buffer.alloc(0) : bytes.subarray(start);
    return entries;
  }
}

/** Hears when something in a directory changes and when one of the signals aborts. */
class Change {
  readonly #watcher: FSWatcher;
  readonly #signals: readonly AbortSignal[];
  #changed = false;
  #wake = (): void => undefined;
  readonly #onAbort = (): void => this.#tell();

  constructor(dir: string, signals: readonly AbortSignal[]) {
    this.#watcher = watch(dir, { persistent: false }, () => this.#tell());
    this.#watcher.on('error', () => this.#tell());
    this.#signals = signals;
    for (const signal of signals) signal.addEventListener('abort', this.#onAbort);
  }

  /** Waits for a change since it last said so, at most this long; whether there was one. */
  async within(ms: number): Promise<boolean> {
    if (!this.#changed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, ms);
      await promise;
      clearTimeout(timer);
    }
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  close(): void {
    this.#watcher.close();
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#onAbort);
  }

  #tell(): void {
    this.#changed = true;
    this.#wake();
  }
}
