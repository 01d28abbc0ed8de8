import { createWriteStream } from 'node:fs';
import { chmod, chown, lchown, link, lstat, lutimes, mkdir, symlink, unlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Extract, extract, type Header } from 'tar-stream';
import { Failure, isBrokenOff } from '../failure.ts';

type Entry = Extract extends AsyncIterable<infer Each> ? Each : never;

export interface UnpackWish {
  /** Exists; nothing is written outside of it. */
  readonly directory: string;
  /** What the first part of every name becomes; undefined: it is dropped, what is below goes into the directory itself. */
  readonly rename: string | undefined;
  /** Whether names have a first part that is the thing copied; not so in an archive of `/`. */
  readonly hasRoot: boolean;
  /** Owners as in the archive; else all is ours. */
  readonly keepOwners: boolean;
  /** Told of what is left out. */
  warn(sentence: string): void;
}

/**
 * Unpacks what `cp` reads from a container. A container may have written anything: names that lead out, and links
 * that others then go through, are refused. @throws Failure
 */
export async function unpack(archive: Readable, wish: UnpackWish): Promise<void> {
  const entries = extract();
  const unpacking = new Unpacking(wish);
  archive.on('error', (error) => entries.destroy(error));
  archive.pipe(entries as unknown as Writable);
  try {
    for await (const entry of entries) {
      await unpacking.take(entry);
      entry.resume();
    }
  } catch (error) {
    archive.destroy();
    if (isBrokenOff(error)) throw new Failure(`lost the connection to the daemon before all was copied (${error.message})`);
    const isJunk = error instanceof Error && !(error instanceof Failure) && !('syscall' in error);
    throw isJunk ? new Failure(`the archive from the container can't be read: ${error.message}`) : error;
  }
  await unpacking.finish();
}

class Unpacking {
  readonly #wish: UnpackWish;
  /** Directories that are known to be ones, and not links to some. */
  readonly #known = new Set<string>();
  /** Their modes and times are set at last: some may not be written to. */
  readonly #directories: { readonly path: string; readonly headers: Header }[] = [];

  constructor(wish: UnpackWish) {
    this.#wish = wish;
    this.#known.add(wish.directory);
  }

  async take(entry: Entry): Promise<void> {
    const { header } = entry;
    const path = this.#placeOf(header.name);
    // The directory itself, which its user made as it is.
    if (path === this.#wish.directory) return;
    // The reader of tar gives null for no target, whatever its types say.
    if ((header.type === 'symlink' || header.type === 'link') && !header.linkname)
      throw new Failure(`the archive from the container makes ${path} a link to nothing`);
    await this.#makeParents(dirname(path));
    const there = await lstat(path).catch(() => undefined);
    if (header.type === 'directory') {
      if (there !== undefined && !there.isDirectory())
        throw new Failure(`cannot overwrite ${path}, which is no directory, with a directory`);
      if (there === undefined) await mkdir(path, { mode: 0o700 });
      this.#known.add(path);
      this.#directories.push({ path, headers: header });
      return;
    }
    if (there?.isDirectory() === true) throw new Failure(`cannot overwrite the directory ${path} with something that is none`);
    if (there !== undefined) await unlink(path);
    await this.#make(entry, path);
  }

  async finish(): Promise<void> {
    for (const { path, headers } of this.#directories.toReversed()) await this.#describe(path, headers);
  }

  async #make(entry: Entry, path: string): Promise<void> {
    const { header } = entry;
    switch (header.type) {
      case 'file':
      case 'contiguous-file':
        await pipeline(entry as AsyncIterable<Uint8Array>, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
        return await this.#describe(path, header);
      case 'symlink':
        await symlink(header.linkname, path);
        if (this.#wish.keepOwners) await lchown(path, header.uid, header.gid);
        return await lutimes(path, header.mtime, header.mtime);
      case 'link': {
        const target = this.#placeOf(header.linkname);
        if (target === this.#wish.directory)
          throw new Failure(`the archive from the container makes ${path} a second name of its directory`);
        await this.#makeParents(dirname(target));
        return await link(target, path);
      }
      default:
        this.#wish.warn(`${path} is a ${header.type}: left out`);
    }
  }

  async #describe(path: string, { mode, uid, gid, mtime }: Header): Promise<void> {
    // Owners first: a change of them takes the set-user-id bit away.
    if (this.#wish.keepOwners) await chown(path, uid, gid);
    await chmod(path, mode & 0o7777);
    await utimes(path, mtime, mtime);
  }

  async #makeParents(path: string): Promise<void> {
    if (this.#known.has(path)) return;
    await this.#makeParents(dirname(path));
    const there = await lstat(path).catch(() => undefined);
    if (there === undefined) await mkdir(path);
    else if (!there.isDirectory()) throw new Failure(`the archive from the container goes through ${path}, which is no directory`);
    this.#known.add(path);
  }

  #placeOf(name: string): string {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..') || name.includes('\0')) {
      throw new Failure(`the archive from the container has ${JSON.stringify(name.slice(0, 200))}, which leads out of it`);
    }
    const { directory, rename, hasRoot } = this.#wish;
    // `./a` is a in a directory whose own name was left out.
    const below = hasRoot && !/^\.(\/|$)/.test(name) ? parts.slice(1) : parts;
    return join(directory, ...(rename === undefined ? [] : [rename]), ...below);
  }
}
