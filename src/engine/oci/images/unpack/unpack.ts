import { open } from 'node:fs/promises';
import { ImageError } from '../../../port.ts';
import { BlobFeed } from '../blob-feed.ts';
import type { UnpackedLayer } from './protocol.ts';
import { UnpackChild, type UnpackJob } from './unpack-child.ts';

export interface UnpackRequest extends Omit<UnpackJob, 'feed'> {
  /** Where the blob is still arriving: as far as it goes. */
  readonly feed?: BlobFeed;
}

/** A child that nobody needs for so long ends. */
const IDLE_MS = 1_000;

/** child.ts beside this file, or `unpack.mjs` beside the bundle that this file has become part of. */
export function defaultUnpackEntry(): string {
  return import.meta.filename.endsWith('.ts') ? `${import.meta.dirname}/child.ts` : `${import.meta.dirname}/unpack.mjs`;
}

/** Unpacks layers in children that can't leave a layer's directory. Starting one costs more than a small layer: they are used again. */
export class Unpacker {
  readonly #entry: string;
  readonly #idle = new Map<UnpackChild, NodeJS.Timeout>();

  /** @param entry child.ts, or its bundle */
  constructor(entry: string) {
    this.#entry = entry;
  }

  /**
   * Unpacks a layer blob (tar, plain or gzip or zstd) into the empty directory `root`. Whatever it rejects
   * with, the child is gone and the partial tree is the caller's to remove. @throws ImageError corrupt, no-space, failed
   */
  async unpack(request: UnpackRequest): Promise<UnpackedLayer> {
    const { signal, what } = request;
    signal.throwIfAborted();
    const blob = await open(request.blobPath, 'r').catch((error: unknown) => {
      throw new ImageError('failed', `${what} can't be unpacked: ${String(error)}`);
    });
    try {
      const feed = request.feed ?? wholeFeed(request.blobPath, (await blob.stat()).size);
      const child = this.#take();
      // By the descriptor: the blob may get its name while the child starts.
      const layer = await child.unpack({ ...request, feed, blobPath: `/proc/${process.pid}/fd/${blob.fd}` });
      this.#keep(child);
      return layer;
    } finally {
      await blob.close();
    }
  }

  #take(): UnpackChild {
    for (const [child, timer] of this.#idle) {
      clearTimeout(timer);
      this.#idle.delete(child);
      if (child.isAlive) return child;
    }
    return new UnpackChild(this.#entry);
  }

  #keep(child: UnpackChild): void {
    const timer = setTimeout(() => {
      this.#idle.delete(child);
      child.end();
    }, IDLE_MS);
    this.#idle.set(child, timer);
  }
}

function wholeFeed(path: string, bytes: number): BlobFeed {
  const feed = new BlobFeed(path);
  feed.complete(bytes);
  return feed;
}
