/**
 * Unpacked layers by diff id: layers/<hex>/root is the tree, layers/<hex>/layer.json its size. A
 * directory of that name is complete and verified: a layer is unpacked in layers/tmp-N and
 * renamed last. What a crash leaves there is removed at start.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../../linux/system-error.ts';
import { ImageError } from '../../port.ts';
import type { BlobFeed } from './blob-feed.ts';
import { hexOf, shortDigest } from './digest.ts';
import { imageFailure } from './failure.ts';
import type { ImageLimits } from './limits.ts';
import { Slots } from './slots.ts';
import type { UnpackedLayer } from './unpack/protocol.ts';
import { Unpacker } from './unpack/unpack.ts';

export interface LayerStoreOptions {
  readonly dir: string;
  readonly unpackEntry: string;
  readonly limits: ImageLimits;
}

export interface LayerSource {
  /** Undefined: nobody has promised one, the layer's own is taken. */
  readonly diffId: string | undefined;
  /** The blob: plain, gzip or zstd. */
  readonly blobDigest: string;
  readonly blobPath: string;
  /** Told what it is before the layer has its name. */
  readonly onDiffId?: (diffId: string) => void;
}

const TEMPORARY = 'tmp-';

export class LayerStore {
  readonly #options: LayerStoreOptions;
  readonly #slots: Slots;
  readonly #unpacker: Unpacker;
  #nextTemporary = 0;
  /** One unpacks what still arrives. */
  #isAlong = false;

  constructor(options: LayerStoreOptions) {
    this.#options = options;
    this.#slots = new Slots(options.limits.parallelUnpacks);
    this.#unpacker = new Unpacker(options.unpackEntry);
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(options.dir)) {
      // A child that outlived its killed daemon for a moment may still be writing: hence the retries.
      if (name.startsWith(TEMPORARY)) rmSync(join(options.dir, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    }
  }

  has(diffId: string): boolean {
    return existsSync(this.#pathOf(diffId));
  }

  rootOf(diffId: string): string {
    return join(this.#pathOf(diffId), 'root');
  }

  sizeOf(diffId: string): number {
    return this.#factsOf(diffId).sizeBytes;
  }

  /** How many files, directories and links it has. */
  entriesOf(diffId: string): number {
    return this.#factsOf(diffId).entries;
  }

  /** Makes the layer of this diff id from its blob. @throws ImageError; then nothing of it stays */
  unpack(source: LayerSource, signal: AbortSignal, onProgress: (readBytes: number) => void): Promise<UnpackedLayer> {
    return this.#slots.run(signal, () => this.#unpackNow(source, signal, onProgress));
  }

  /** The same while the blob still arrives. @throws ImageError, also where the feed breaks, or where so many unpack already */
  async unpackAlong(
    source: LayerSource,
    feed: BlobFeed,
    signal: AbortSignal,
    onProgress: (readBytes: number) => void,
  ): Promise<UnpackedLayer> {
    // A source that is slow on purpose must not keep the others' layers waiting.
    if (this.#isAlong || this.#slots.free === 0) throw new ImageError('failed', 'as many layers as may be are unpacked already');
    this.#isAlong = true;
    try {
      return await this.#slots.run(signal, () => this.#unpackNow(source, signal, onProgress, feed));
    } finally {
      this.#isAlong = false;
    }
  }

  async #unpackNow(
    source: LayerSource,
    signal: AbortSignal,
    onProgress: (readBytes: number) => void,
    feed?: BlobFeed,
  ): Promise<UnpackedLayer> {
    const temporary = join(this.#options.dir, `${TEMPORARY}${this.#nextTemporary++}`);
    try {
      const root = join(temporary, 'root');
      await mkdir(root, { recursive: true, mode: 0o755 });
      const { unpackedLayerBytes, layerEntries, freeDiskBytes } = this.#options.limits;
      const what = `layer ${shortDigest(source.blobDigest)}`;
      const limits = { unpackedLayerBytes, layerEntries, freeDiskBytes };
      const layer = await this.#unpacker.unpack({
        ...limits,
        root,
        blobPath: source.blobPath,
        what,
        signal,
        onProgress,
        ...(feed && { feed }),
      });
      if (source.diffId !== undefined && layer.diffId !== source.diffId)
        throw new ImageError('corrupt', `${what} unpacks to ${layer.diffId}, the image says ${source.diffId}`);
      await writeFile(join(temporary, 'layer.json'), JSON.stringify(layer), { mode: 0o600 });
      source.onDiffId?.(layer.diffId);
      await this.#name(temporary, layer.diffId);
      return layer;
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      if (signal.aborted) throw signal.reason as Error;
      throw imageFailure(error, `unpacking layer ${shortDigest(source.blobDigest)}`);
    }
  }

  /** Another may have made the same layer meanwhile: two commits of nothing, say. */
  async #name(temporary: string, diffId: string): Promise<void> {
    try {
      await rename(temporary, this.#pathOf(diffId));
    } catch (error) {
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
      await rm(temporary, { recursive: true, force: true });
    }
  }

  /** Gone at once under its name; the tree itself is removed in the background, or at the next start. */
  remove(diffId: string): Promise<void> {
    const temporary = join(this.#options.dir, `${TEMPORARY}${this.#nextTemporary++}`);
    renameSync(this.#pathOf(diffId), temporary);
    return rm(temporary, { recursive: true, force: true });
  }

  diffIds(): string[] {
    return readdirSync(this.#options.dir)
      .filter((name) => !name.startsWith(TEMPORARY))
      .map((hex) => `sha256:${hex}`);
  }

  #factsOf(diffId: string): UnpackedLayer {
    return JSON.parse(readFileSync(join(this.#pathOf(diffId), 'layer.json'), 'utf8')) as UnpackedLayer;
  }

  #pathOf(diffId: string): string {
    return join(this.#options.dir, hexOf(diffId));
  }
}
