import { type OutputPiece, ReaderTooSlow } from './port.ts';

export interface FanOptions {
  /** What a reader may leave lying before it holds the source up, bytes. */
  readonly queueBytes: number;
  /** How long a reader may hold the source up while it takes less than `progressBytes`; then it is let go. */
  readonly patienceMs: number;
  readonly progressBytes: number;
}

/** A reader on a slow line holds a container up for a while, as it would a pipe; one that is stuck does not. */
export const FAN: FanOptions = { queueBytes: 256 * 1024, patienceMs: 5_000, progressBytes: 64 * 1024 };

/**
 * One source, several readers. The source goes as fast as the slowest that makes progress; who makes none is let go,
 * so that nobody who stopped reading can stop a container.
 */
export class OutputFan {
  readonly #options: FanOptions;
  readonly #readers = new Set<Reader>();
  readonly #relieved: () => void;
  #timer: NodeJS.Timeout | undefined;
  #hurried = false;
  #ended = false;

  /** @param relieved is called when a source that was held up may go on. */
  constructor(options: FanOptions, relieved: () => void) {
    this.#options = options;
    this.#relieved = relieved;
  }

  get size(): number {
    return this.#readers.size;
  }

  /** From here on. Ends with the source, when it is left, and when `signal` aborts. @param left is called once, whichever it was */
  join(signal: AbortSignal, left: () => void): AsyncIterable<OutputPiece> {
    const reader = new Reader(() => this.#took());
    const onAbort = (): void => reader.leave();
    reader.onEnd = () => {
      signal.removeEventListener('abort', onAbort);
      this.#readers.delete(reader);
      left();
      this.#took();
    };
    this.#readers.add(reader);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) reader.leave();
    else if (this.#ended) reader.finish();
    return reader;
  }

  /** Hands a piece to every reader. False: one is behind; wait for `relieved`. */
  push(piece: OutputPiece): boolean {
    for (const reader of this.#readers) reader.push(piece);
    if (this.#hurried) this.#letGo(() => true);
    if (!this.#isHeldUp()) return true;
    this.#timer ??= this.#watch();
    return false;
  }

  /** Nobody may hold the source up any more. */
  hurry(): void {
    this.#hurried = true;
    this.#letGo(() => true);
  }

  /** There is no more; readers still get what they have not read. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    for (const reader of this.#readers) reader.finish();
  }

  #isHeldUp(): boolean {
    return [...this.#readers].some((reader) => reader.bytes > this.#options.queueBytes);
  }

  #took(): void {
    if (this.#timer === undefined || this.#isHeldUp()) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#relieved();
  }

  #watch(): NodeJS.Timeout {
    for (const reader of this.#readers) reader.taken = 0;
    return setTimeout(() => {
      this.#timer = undefined;
      this.#letGo((reader) => reader.taken < this.#options.progressBytes);
      if (this.#isHeldUp()) this.#timer = this.#watch();
      else this.#relieved();
    }, this.#options.patienceMs);
  }

  #letGo(deserves: (reader: Reader) => boolean): void {
    for (const reader of this.#readers) {
      if (reader.bytes > this.#options.queueBytes && deserves(reader)) reader.fail(tooSlow(this.#options.patienceMs));
    }
  }
}

const tooSlow = (patienceMs: number): ReaderTooSlow =>
  new ReaderTooSlow(
    `whoever reads the container's output took next to nothing for ${patienceMs / 1_000} s and was let go; the container runs on, and its log has all of it`,
  );

/** What a piece takes beside its bytes: many are of one. */
const PIECE_BYTES = 128;
const sizeOf = (piece: OutputPiece): number => piece.data.length + PIECE_BYTES;

/** One reader's end: what it has not taken yet. */
class Reader implements AsyncIterable<OutputPiece>, AsyncIterator<OutputPiece, undefined> {
  bytes = 0;
  /** Bytes since the fan last began to watch. */
  taken = 0;
  onEnd = (): void => undefined;
  readonly #took: () => void;
  #queue: OutputPiece[] = [];
  #wake = (): void => undefined;
  #state: 'open' | 'finished' | 'left' | ReaderTooSlow = 'open';

  constructor(took: () => void) {
    this.#took = took;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<OutputPiece, undefined>> {
    for (;;) {
      const piece = this.#queue.shift();
      if (piece !== undefined) {
        this.bytes -= sizeOf(piece);
        this.taken += piece.data.length;
        this.#took();
        return { done: false, value: piece };
      }
      if (this.#state instanceof ReaderTooSlow) throw this.#state;
      if (this.#state !== 'open') return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async return(): Promise<IteratorResult<OutputPiece, undefined>> {
    this.leave();
    return { done: true, value: undefined };
  }

  push(piece: OutputPiece): void {
    this.#queue.push(piece);
    this.bytes += sizeOf(piece);
    this.#wake();
  }

  finish(): void {
    this.#settle('finished');
  }

  leave(): void {
    this.#drop();
    this.#settle('left');
  }

  fail(error: ReaderTooSlow): void {
    this.#drop();
    this.#settle(error);
  }

  #drop(): void {
    this.#queue = [];
    this.bytes = 0;
  }

  #settle(state: 'finished' | 'left' | ReaderTooSlow): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    this.#wake();
    this.onEnd();
  }
}
