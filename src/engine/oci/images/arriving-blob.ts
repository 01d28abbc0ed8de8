import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { ImageError } from '../../port.ts';
import { imageFailure } from './failure.ts';

/** Bytes that come, and can be told to stop coming. */
export interface ByteStream extends AsyncIterable<unknown> {
  destroy(error?: Error): unknown;
  on(event: 'error', listener: () => void): unknown;
}

/** What one answer to the question for a blob is. */
export interface Piece {
  readonly stream: ByteStream;
  /** Where in the blob it begins. */
  readonly startsAt: number;
  /** The blob's size at most. */
  readonly maxBytes: number;
  /** Names the blob and its origin in errors. */
  readonly what: string;
  /** Undefined: it may take as long as it takes. */
  readonly pace: Pace | undefined;
  readonly signal: AbortSignal;
  /** Told when so much of the blob is in the file. */
  readonly onBytes: (bytes: number) => void;
}

/** Fewer bytes than this in that time: the sender is given up. */
export interface Pace {
  readonly bytes: number;
  readonly windowMs: number;
}

const WRITE_BYTES = 512 * 1024;
/** What a broken download left is worth keeping from here on. */
const KEPT_FROM_BYTES = 2 ** 20;

/**
 * A blob that is being received: a file, and the hash of what is in it. It may come in several pieces;
 * bytes that are there already are taken from nobody twice.
 */
export class ArrivingBlob {
  readonly path: string;
  /** In the file and hashed. */
  sizeBytes = 0;
  /** How many answers, and former tries, the file is made of. */
  pieces = 0;
  readonly #file: FileHandle;
  #hash: Hash = createHash('sha256');
  #isDone = false;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /** What a former try left in the file is hashed again, and counts as one piece. @throws ImageError */
  static async open(path: string, signal: AbortSignal): Promise<ArrivingBlob> {
    const file = await open(path, 'a+', 0o600).catch((error: unknown) => {
      throw imageFailure(error, `opening ${path}`);
    });
    const blob = new ArrivingBlob(path, file);
    try {
      for await (const chunk of createReadStream(path, { highWaterMark: WRITE_BYTES, signal }) as AsyncIterable<Buffer>) {
        blob.#hash.update(chunk);
        blob.sizeBytes += chunk.length;
      }
    } catch (error) {
      await file.close();
      signal.throwIfAborted();
      throw imageFailure(error, `reading ${path}`);
    }
    if (blob.sizeBytes > 0) blob.pieces = 1;
    return blob;
  }

  /** Appends what is new in the piece, until its end. @throws ImageError failed where it broke off, corrupt where it is too long */
  async receive(piece: Piece): Promise<void> {
    const { stream, signal, what } = piece;
    // Its end is seen by reading it; without a listener an error before that would end the process.
    stream.on('error', () => undefined);
    const abort = (): void => void stream.destroy(signal.reason as Error);
    let read = piece.startsAt;
    const watch = piece.pace && watchPace(piece.pace, () => read, stream);
    const waiting: Buffer[] = [];
    let waitingBytes = 0;
    const flush = async (): Promise<void> => {
      const chunks = waiting.splice(0);
      waitingBytes = 0;
      await this.#write(chunks, piece.onBytes);
    };
    try {
      signal.throwIfAborted();
      signal.addEventListener('abort', abort);
      if (piece.startsAt > this.sizeBytes)
        throw new ImageError('corrupt', `${what} begins at byte ${piece.startsAt}, asked for was ${this.sizeBytes}`);
      this.pieces++;
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        const known = Math.min(chunk.length, Math.max(0, this.sizeBytes - read));
        read += chunk.length;
        if (read > piece.maxBytes) throw new ImageError('corrupt', `${what} has more than ${piece.maxBytes} bytes`);
        if (known === chunk.length) continue;
        waiting.push(chunk.subarray(known));
        waitingBytes += chunk.length - known;
        if (waitingBytes >= WRITE_BYTES) await flush();
      }
      signal.throwIfAborted();
      await flush();
    } catch (error) {
      stream.destroy();
      // It may be all that ever comes at once over a bad line.
      if (!(error instanceof ImageError)) await flush().catch(() => undefined);
      if (signal.aborted) throw signal.reason as Error;
      throw imageFailure(error, `receiving ${what}`);
    } finally {
      clearInterval(watch);
      signal.removeEventListener('abort', abort);
    }
  }

  /** Of all that has come so far. */
  digest(): string {
    return `sha256:${this.#hash.copy().digest('hex')}`;
  }

  /** Nothing has come. @throws ImageError */
  async reset(): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.sizeBytes = 0;
    this.pieces = 0;
  }

  /** It is all there; the file is the caller's. */
  finish(): void {
    this.#isDone = true;
  }

  /** The end. What is there of an unfinished one stays for the next try if that is worth it, or told to. */
  async close(keep = this.sizeBytes >= KEPT_FROM_BYTES): Promise<void> {
    await this.#file.close();
    if (!this.#isDone && !keep) await rm(this.path, { force: true });
  }

  async #write(chunks: readonly Buffer[], onBytes: (bytes: number) => void): Promise<void> {
    if (chunks.length === 0) return;
    // The write goes on in another thread while this one hashes.
    const writing = this.#file.writev(chunks);
    let length = 0;
    for (const chunk of chunks) {
      this.#hash.update(chunk);
      length += chunk.length;
    }
    const { bytesWritten } = await writing;
    if (bytesWritten !== length)
      throw new ImageError('no-space', `only ${bytesWritten} of ${length} bytes could be written to ${this.path}`);
    this.sizeBytes += length;
    onBytes(this.sizeBytes);
  }
}

function watchPace({ bytes, windowMs }: Pace, readBytes: () => number, stream: ByteStream): NodeJS.Timeout {
  let before = readBytes();
  return setInterval(() => {
    if (readBytes() - before < bytes) stream.destroy(new Error(`it comes too slowly: less than ${bytes} bytes in ${windowMs / 1000} s`));
    before = readBytes();
  }, windowMs);
}
