/**
 * Content by digest: blobs/sha256/<hex>. What stands there is complete, verified and on disk; what
 * arrives lies in blobs/ingest/ and is removed at start, so a crash leaves nothing half.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { ImageError } from '../../port.ts';
import { hexOf, sha256Digest } from './digest.ts';
import { renameDurably } from './durable.ts';
import { imageFailure } from './failure.ts';

/** Bytes that come, and can be told to stop coming. */
export interface ByteStream extends AsyncIterable<unknown> {
  destroy(error?: Error): unknown;
  on(event: 'error', listener: () => void): unknown;
}

export interface Ingest {
  readonly stream: ByteStream;
  readonly digest: string;
  /** Exactly so many bytes; undefined: not known beforehand. */
  readonly sizeBytes: number | undefined;
  readonly maxBytes: number;
  /** Names the blob's origin in errors. */
  readonly from: string;
  readonly signal: AbortSignal;
  readonly onBytes?: (receivedBytes: number) => void;
}

/** A file that is still being received, and what it turned out to hold. */
export interface Received {
  readonly path: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

/** A reader of whole blobs is better served by a few large pieces. */
const READ_BYTES = 256 * 1024;

export class BlobStore {
  readonly #dir: string;
  readonly #ingestDir: string;
  #nextIngest = 0;

  constructor(dir: string) {
    this.#dir = join(dir, 'sha256');
    this.#ingestDir = join(dir, 'ingest');
    rmSync(this.#ingestDir, { recursive: true, force: true });
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    mkdirSync(this.#ingestDir, { mode: 0o700 });
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
    return { sizeBytes: (await file.stat()).size, stream: file.createReadStream({ start: fromByte, highWaterMark: READ_BYTES }) };
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
      const file = await open(path, 'wx', 0o600);
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await renameDurably(path, this.pathOf(digest));
    } catch (error) {
      await rm(path, { force: true });
      throw imageFailure(error, `storing ${digest}`);
    }
    return digest;
  }

  /** Stores the stream under `digest` if that is what it holds. @throws ImageError corrupt, no-space, failed */
  async ingest(ingest: Ingest): Promise<void> {
    const limit = Math.min(ingest.sizeBytes ?? ingest.maxBytes, ingest.maxBytes);
    const received = await this.receive(ingest.stream, limit, `${ingest.digest} from ${ingest.from}`, ingest.signal, ingest.onBytes);
    if (received.digest === ingest.digest && received.sizeBytes === (ingest.sizeBytes ?? received.sizeBytes)) return this.adopt(received);
    await this.discard(received);
    const truth =
      ingest.sizeBytes === undefined || received.sizeBytes === ingest.sizeBytes
        ? received.digest
        : `${received.sizeBytes} bytes instead of ${ingest.sizeBytes}`;
    throw new ImageError('corrupt', `${ingest.from} sent something else than ${ingest.digest}: ${truth}`);
  }

  /** Writes the stream to a file of its own and hashes it. The caller adopts or discards it. @throws ImageError */
  async receive(
    stream: ByteStream,
    maxBytes: number,
    what: string,
    signal: AbortSignal,
    onBytes?: (receivedBytes: number) => void,
  ): Promise<Received> {
    const path = this.#ingestPath();
    const hash = createHash('sha256');
    let sizeBytes = 0;
    // Its end is seen by reading it; without a listener an error before that would end the process.
    stream.on('error', () => undefined);
    const abort = (): void => void stream.destroy(signal.reason as Error);
    try {
      signal.throwIfAborted();
      signal.addEventListener('abort', abort);
      const file = await open(path, 'wx', 0o600);
      try {
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          sizeBytes += chunk.length;
          if (sizeBytes > maxBytes) throw new ImageError('corrupt', `${what} has more than ${maxBytes} bytes`);
          hash.update(chunk);
          await file.writeFile(chunk);
          onBytes?.(sizeBytes);
        }
        signal.throwIfAborted();
      } finally {
        await file.close();
      }
      return { path, digest: `sha256:${hash.digest('hex')}`, sizeBytes };
    } catch (error) {
      stream.destroy();
      await rm(path, { force: true });
      if (signal.aborted) throw signal.reason as Error;
      throw imageFailure(error, `receiving ${what}`);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Makes it a blob, if that content isn't one yet. @throws ImageError */
  async adopt(received: Received): Promise<void> {
    if (this.has(received.digest)) return this.discard(received);
    try {
      const file = await open(received.path, 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      await renameDurably(received.path, this.pathOf(received.digest));
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

  #ingestPath(): string {
    return join(this.#ingestDir, String(this.#nextIngest++));
  }
}
