import { close, read } from 'node:fs';
import { Readable } from 'node:stream';

const CHUNK_BYTES = 256 * 1024;

/** A file that is still being written, read as far as it may be. The descriptor becomes its own. */
export class FollowedFile extends Readable {
  readBytes = 0;
  readonly #fd: number;
  #allowedBytes = 0;
  #isWhole = false;
  /** Somebody wants more than there is. */
  #isWaiting = false;

  constructor(fd: number) {
    super({ highWaterMark: 4 * CHUNK_BYTES });
    this.#fd = fd;
  }

  /** It may be read up to here. */
  allow(bytes: number): void {
    this.#allowedBytes = bytes;
    this.#goOn();
  }

  /** It ends where it may be read to. */
  whole(): void {
    this.#isWhole = true;
    this.#goOn();
  }

  override _read(): void {
    const length = Math.min(CHUNK_BYTES, this.#allowedBytes - this.readBytes);
    if (length <= 0) {
      if (this.#isWhole) this.push(null);
      else this.#isWaiting = true;
      return;
    }
    read(this.#fd, Buffer.allocUnsafe(length), 0, length, this.readBytes, (error, bytesRead, buffer) => {
      if (error !== null || bytesRead === 0) {
        this.destroy(error ?? new Error('the blob is shorter than it should be'));
        return;
      }
      this.readBytes += bytesRead;
      this.push(buffer.subarray(0, bytesRead));
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    close(this.#fd, () => done(error));
  }

  #goOn(): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    this._read();
  }
}
