import { once } from 'node:events';
import type { Stats } from 'node:fs';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Pack, pack } from 'tar-stream';
import { Failure } from '../failure.ts';

export interface PackWish {
  /** Absolute; symbolic links in it are followed, one at its end is not. */
  readonly path: string;
  /** Its name in the archive; `.` for what is in the directory. */
  readonly name: string;
  /** Told of what is left out. */
  warn(sentence: string): void;
}

type Header = Parameters<Pack['entry']>[0];

/** What a reader that is slow may leave lying, of entries without data: those are not held back by the archive itself. */
const MOST_WAITING_BYTES = 1024 * 1024;
const BLOCK_BYTES = 512;

/** A tar of a file, or of a directory with all that is in it. */
export function packPath(wish: PackWish): Readable {
  const packing = new Packing(wish);
  void packing.run();
  return Readable.from(packing.read(), { objectMode: false });
}

class Packing {
  readonly #archive = pack();
  readonly #wish: PackWish;
  /** Names of files that have several, by device and number. */
  readonly #linked = new Map<string, string>();
  #waitingBytes = 0;
  #goOn: () => void = () => undefined;

  constructor(wish: PackWish) {
    this.#wish = wish;
  }

  async run(): Promise<void> {
    try {
      await this.#add(this.#wish.path, this.#wish.name);
      this.#archive.finalize();
    } catch (error) {
      this.#archive.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async *read(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#archive as AsyncIterable<Uint8Array>) {
        yield chunk;
        this.#waitingBytes = Math.max(0, this.#waitingBytes - chunk.length);
        this.#goOn();
      }
    } finally {
      this.#archive.destroy();
      this.#goOn();
    }
  }

  async #add(path: string, name: string): Promise<void> {
    const stats = await lstat(path);
    // With the bits of its kind: a mode of 0 is one, too, and none of the archive's own choosing.
    const common = { name, mode: stats.mode, uid: stats.uid, gid: stats.gid, mtime: stats.mtime };
    if (stats.isDirectory()) {
      await this.#entry({ ...common, name: `${name}/`, type: 'directory' });
      // By code points: the same directory gives the same archive.
      for (const child of (await readdir(path)).sort()) await this.#add(join(path, child), `${name}/${child}`);
    } else if (stats.isFile()) await this.#addFile(path, stats, common);
    else if (stats.isSymbolicLink()) await this.#entry({ ...common, type: 'symlink', linkname: await readlink(path) });
    else if (stats.isFIFO()) await this.#entry({ ...common, type: 'fifo' });
    else if (stats.isSocket()) this.#wish.warn(`${path} is a socket: left out`);
    else await this.#entry({ ...common, type: stats.isBlockDevice() ? 'block-device' : 'character-device', ...deviceNumbers(stats.rdev) });
  }

  async #addFile(path: string, stats: Stats, common: Header): Promise<void> {
    if (stats.nlink > 1) {
      const key = `${stats.dev}:${stats.ino}`;
      const first = this.#linked.get(key);
      if (first !== undefined) return await this.#entry({ ...common, type: 'link', linkname: first });
      this.#linked.set(key, common.name);
    }
    const { promise: taken, resolve, reject } = Promise.withResolvers<void>();
    const entry = this.#archive.entry({ ...common, type: 'file', size: stats.size }, (error) => (error ? reject(error) : resolve()));
    // What ends it otherwise is thrown below.
    taken.catch(() => undefined);
    let left = stats.size;
    if (left > 0) {
      for await (const chunk of createReadStream(path, { end: stats.size - 1 }) as AsyncIterable<Buffer>) {
        left -= chunk.length;
        if (!entry.write(chunk)) await Promise.race([once(entry, 'drain'), taken]);
      }
    }
    if (left > 0) throw new Failure(`${path} became shorter while it was read`);
    entry.end(null);
    await taken;
  }

  /** One without data. */
  async #entry(header: Header): Promise<void> {
    this.#archive.entry(header);
    this.#waitingBytes += BLOCK_BYTES;
    if (this.#waitingBytes <= MOST_WAITING_BYTES) return;
    await new Promise<void>((resolve) => (this.#goOn = resolve));
  }
}

/** As Linux packs them (makedev(3)). */
function deviceNumbers(device: number): { devmajor: number; devminor: number } {
  const number = BigInt(device);
  const major = ((number >> 8n) & 0xf_ffn) | ((number >> 32n) & ~0xf_ffn);
  const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn);
  return { devmajor: Number(major), devminor: Number(minor & 0xff_ff_ff_ffn) };
}
