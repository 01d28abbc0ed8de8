import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { ImageError } from '../../../port.ts';
import type { BlobStore, Received } from '../blob-store.ts';
import { decompressed } from '../compression.ts';
import type { ImageLimits } from '../limits.ts';

/**
 * An archive's files, each in a file of its own under a number, by the name it has in the archive.
 * All of it is received first: `docker save` writes the list of what is in it near the end.
 */
export class ArchiveContents {
  readonly #blobs: BlobStore;
  readonly #files = new Map<string, Received>();
  readonly #links = new Map<string, string>();

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  /** @param archive tar, plain or gzip or zstd; the caller closes it @throws ImageError corrupt, no-space */
  async receive(archive: Readable, limits: ImageLimits, signal: AbortSignal): Promise<void> {
    const tar = extract();
    const decoded = await decompressed(addAbortSignal(signal, archive));
    decoded.on('error', (error) => tar.destroy(error));
    decoded.pipe(tar);
    let entries = 0;
    try {
      for await (const entry of tar) {
        const { type, name, linkname } = entry.header;
        if (++entries > limits.archiveEntries)
          throw new ImageError('corrupt', `the archive has more than ${limits.archiveEntries} entries`);
        const path = posix.normalize(name);
        if (type === 'file')
          await this.#add(path, await this.#blobs.receive(entry, limits.layerBlobBytes, `${path} in the archive`, signal));
        else if (type === 'symlink') this.#links.set(path, posix.join(posix.dirname(path), linkname ?? ''));
        else if (type === 'link') this.#links.set(path, posix.normalize(linkname ?? ''));
        entry.resume();
      }
    } catch (error) {
      // `failed` here is a stream that broke: the archive's fault or its sender's.
      if (error instanceof ImageError && error.code !== 'failed') throw error;
      throw new ImageError(
        'corrupt',
        `this is no image archive, or a damaged one: ${error instanceof Error ? error.message : String(error)}`,
      );
    } finally {
      decoded.destroy();
    }
  }

  async #add(path: string, file: Received): Promise<void> {
    const before = this.#files.get(path);
    this.#files.set(path, file);
    if (before !== undefined) await this.#blobs.discard(before);
  }

  names(): Iterable<string> {
    return this.#files.keys();
  }

  /** Through the links that `docker save` makes for repeated layers. */
  find(name: string): Received | undefined {
    let path = posix.normalize(name);
    for (let hops = 0; hops < 8; hops++) {
      const file = this.#files.get(path);
      if (file !== undefined) return file;
      const target = this.#links.get(path);
      if (target === undefined) return undefined;
      path = target;
    }
    return undefined;
  }

  /** @throws ImageError corrupt where it is missing or larger than `maxBytes` */
  async read(name: string, maxBytes: number): Promise<Buffer> {
    const file = this.find(name);
    if (file === undefined) throw new ImageError('corrupt', `the archive has no ${name}, which its manifest names`);
    if (file.sizeBytes > maxBytes)
      throw new ImageError('corrupt', `${name} in the archive has ${file.sizeBytes} bytes, more than ${maxBytes}`);
    return readFile(this.#blobs.has(file.digest) ? this.#blobs.pathOf(file.digest) : file.path);
  }

  /** Whatever has not become a blob goes. */
  async discard(): Promise<void> {
    for (const file of this.#files.values()) await this.#blobs.discard(file);
  }
}
