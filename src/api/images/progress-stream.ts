import type { FastifyReply } from 'fastify';
import type { ProgressMessage } from '../../docker-api/types.ts';
import { ImageError, type PullProgress } from '../../engine/port.ts';
import { fromImageError } from '../http/api-error.ts';
import { startStream } from '../http/stream-reply.ts';
import { API_LIMITS } from '../limits.ts';

/**
 * The stream of JSON lines that pull and load answer with. Until the first line an error is still an
 * ordinary answer with a status; later it is a line, as Docker's clients expect. A reader that falls
 * behind gets the newest line per layer instead of all of them.
 */
export class ProgressStream {
  readonly #reply: FastifyReply;
  readonly #behind = new Map<string, ProgressMessage>();
  #raw: FastifyReply['raw'] | undefined;
  #full = false;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
  }

  line(message: ProgressMessage): void {
    const raw = this.#raw ?? this.#start();
    if (raw.destroyed || raw.writableEnded) return;
    if (this.#full) this.#keep(message);
    else this.#full = !raw.write(`${JSON.stringify(message)}\r\n`);
  }

  progress(progress: PullProgress): void {
    this.line(progressLine(progress));
  }

  /** Before the first line: thrown on, as an answer of its own. After it: the last line. */
  fail(error: unknown): void {
    if (this.#raw === undefined) throw error instanceof ImageError ? fromImageError(error) : error;
    this.failInLine(error);
  }

  /** The last line, even if it is the first: how a load and a push fail, whose clients look nowhere else. */
  failInLine(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.line({ errorDetail: { message }, error: message });
  }

  end(): void {
    const raw = this.#raw ?? this.#start();
    for (const message of this.#behind.values()) raw.write(`${JSON.stringify(message)}\r\n`);
    this.#behind.clear();
    raw.end();
  }

  #start(): FastifyReply['raw'] {
    const raw = startStream(this.#reply, 200, { 'content-type': 'application/json' });
    this.#raw = raw;
    raw.on('drain', () => {
      this.#full = false;
      const waiting = [...this.#behind.values()];
      this.#behind.clear();
      for (const message of waiting) this.line(message);
    });
    return raw;
  }

  #keep(message: ProgressMessage): void {
    const key = message.id === undefined ? JSON.stringify(message) : message.id;
    this.#behind.delete(key);
    if (this.#behind.size < API_LIMITS.progressBehind || message.error !== undefined) this.#behind.set(key, message);
  }
}

function progressLine(progress: PullProgress): ProgressMessage {
  const { status, id, currentBytes, totalBytes } = progress;
  const counted = currentBytes !== undefined || totalBytes !== undefined;
  const detail = {
    ...(currentBytes === undefined ? {} : { current: currentBytes }),
    ...(totalBytes === undefined ? {} : { total: totalBytes }),
  };
  return { status, ...(id === '' ? {} : { id }), ...(counted || id !== '' ? { progressDetail: detail } : {}) };
}
