/**
 * Content by digest: blobs/sha256/<hex>. What stands there is complete and verified. What is
 * downloaded under a known digest lies in blobs/partial/<hex>, also after a crash, for the next try to
 * go on with; what arrives otherwise lies in blobs/ingest/ and is removed at start.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { ImageError } from '../../port.ts';
import { ArrivingBlob, type ByteStream } from './arriving-blob.ts';
import { hexOf, sha256Digest } from './digest.ts';
import { imageFailure } from './failure.ts';

/** A file that is still being received, and what it turned out to hold. */
export interface Received {
  readonly path: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

/** Longer than the longest time without a byte, by far: what is being received is never that old. */
const PARTIAL_KEPT_MS = 3_600_000;
/** A reader of whole blobs is better served by a few large pieces. */
const READ_BYTES = 256 * 1024;

export class BlobStore {
  readonly #dir: string;
  readonly #ingestDir: string;
  readonly #partialDir: string;
  #nextIngest = 0;

  constructor(dir: string) {
    this.#dir = join(dir, 'sha256');
    this.#ingestDir = join(dir, 'ingest');
    rmSync(this.#ingestDir, { recursive: true, force: true });
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    mkdirSync(this.#ingestDir, { mode: 0o700 });
    this.#partialDir = join(dir, 'partial');
    mkdirSync(this.#partialDir, { recursive: true, mode: 0o700 });
  }

  has(digest: string): boolean {
    return existsSync(this.pathOf(digest));
  }

  pathOf(digest: string): string {
    return join(this.#dir, hexOf(digest));
  }

  /** For documents. Verified again: disks rot. @throws ImageError not-found, corrupt */
  async read(digest: string): Promise<Buffer> {
    const content = await readFile(this.pathOf(digest)).catch(() => {
      throw new ImageError('not-found', `blob ${digest} is not here`);
    });
    if (sha256Digest(content) !== digest) {
      this.remove(digest);
      throw new ImageError('corrupt', `blob ${digest} was damaged on this disk and has been removed: pull the image again`);
    }
    return content;
  }

  /** The file is open when this resolves: removing the blob doesn't disturb the reader. */
  async open(digest: string, fromByte = 0): Promise<{ readonly sizeBytes: number; readonly stream: Readable } | undefined> {
    if (!this.has(digest)) return undefined;
    const file = await open(this.pathOf(digest), 'r');
    try {
      const { size } = await file.stat();
      return { sizeBytes: size, stream: file.createReadStream({ start: fromByte, highWaterMark: READ_BYTES }) };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** undefined: it is not here. */
  sizeOf(digest: string): number | undefined {
    return statSync(this.pathOf(digest), { throwIfNoEntry: false })?.size;
  }

  async put(content: Uint8Array): Promise<string> {
    const digest = sha256Digest(content);
    if (this.has(digest)) return digest;
    const path = this.#ingestPath();
    try {
      await writeFile(path, content, { flag: 'wx', mode: 0o600 });
      await rename(path, this.pathOf(digest));
    } catch (error) {
      await rm(path, { force: true });
      throw imageFailure(error, `storing ${digest}`);
    }
    return digest;
  }

  /** For a blob of this digest to be received in, with what a former try left. The caller closes it. @throws ImageError */
  async arriving(digest: string, signal: AbortSignal): Promise<ArrivingBlob> {
    return ArrivingBlob.open(join(this.#partialDir, hexOf(digest)), signal);
  }

  /** Makes what has arrived the blob of this digest, which the caller has compared. @throws ImageError */
  async complete(arrived: ArrivingBlob, digest: string): Promise<void> {
    try {
      await rename(arrived.path, this.pathOf(digest));
      arrived.finish();
    } catch (error) {
      await rm(arrived.path, { force: true });
      throw imageFailure(error, `storing ${digest}`);
    }
  }

  /** Writes the stream to a file of its own and hashes it. The caller adopts or discards it. @throws ImageError */
  async receive(stream: ByteStream, maxBytes: number, what: string, signal: AbortSignal): Promise<Received> {
    const path = this.#ingestPath();
    try {
      const blob = await ArrivingBlob.open(path, signal);
      try {
        await blob.receive({ stream, startsAt: 0, maxBytes, what, signal, pace: undefined, onBytes: () => undefined });
        return { path, digest: blob.digest(), sizeBytes: blob.sizeBytes };
      } finally {
        await blob.close(true);
      }
    } catch (error) {
      stream.destroy();
      await rm(path, { force: true });
      throw error;
    }
  }

  /** Makes it a blob, if that content isn't one yet. @throws ImageError */
  async adopt(received: Received): Promise<void> {
    if (this.has(received.digest)) return this.discard(received);
    try {
      await rename(received.path, this.pathOf(received.digest));
    } catch (error) {
      await this.discard(received);
      throw imageFailure(error, `storing ${received.digest}`);
    }
  }

  async discard(received: Received): Promise<void> {
    await rm(received.path, { force: true });
  }

  /** Readers that have it open read on. */
  remove(digest: string): void {
    rmSync(this.pathOf(digest), { force: true });
  }

  digests(): string[] {
    return readdirSync(this.#dir).map((hex) => `sha256:${hex}`);
  }

  /** Forgets what broken downloads left that nobody has gone on with for an hour. */
  sweep(nowMs: number): void {
    for (const name of readdirSync(this.#partialDir)) {
      const path = join(this.#partialDir, name);
      const touched = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? nowMs;
      if (nowMs - touched > PARTIAL_KEPT_MS) rmSync(path, { force: true });
    }
  }

  #ingestPath(): string {
    return join(this.#ingestDir, String(this.#nextIngest++));
  }
}
