/**
 * Writes a tar's entries below a directory of a container, as Docker's `cp` does, from inside the container's root:
 * whatever names and links say, the kernel keeps them there. What exists is replaced, save for directories, which merge.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { posix } from 'node:path';
import { FileError, type WriteArchiveOptions } from '../../files-port.ts';
import { mknod, type NodeKind } from '../../../linux/mknod.ts';
import { hasCode } from '../../../linux/system-error.ts';
import { fsetxattr, lsetxattr } from '../../../linux/xattr.ts';
import type { TarEntry } from '../images/unpack/pax.ts';
import type { TarSink } from '../images/unpack/tar-reader.ts';
import { pathOf, statOf } from './container-path.ts';

/** Each directory's time is kept until the end. */
const MOST_ENTRIES = 2_000_000;
const MAKE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** What would change how an overlay shows the tree. */
const OVERLAY_XATTRS = ['trusted.overlay.', 'user.overlay.'];

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export class ArchiveWriter implements TarSink {
  readonly #dir: string;
  readonly #options: Pick<WriteArchiveOptions, 'noOverwriteDirNonDir'>;
  readonly #owner: Owner | undefined;
  readonly #directoryTimes: { readonly path: string; readonly mtime: number }[] = [];
  #entries = 0;
  #file: { readonly fd: number; readonly entry: TarEntry } | undefined;

  /** @param owner of all that is written; undefined: as the archive says */
  constructor(dir: string, options: Pick<WriteArchiveOptions, 'noOverwriteDirNonDir'>, owner: Owner | undefined) {
    this.#dir = dir;
    this.#options = options;
    this.#owner = owner;
  }

  entry(entry: TarEntry): void {
    if (++this.#entries > MOST_ENTRIES) throw bad(`it has more than ${MOST_ENTRIES} entries`);
    const path = this.#within(entry.name);
    if (path === this.#dir) {
      if (entry.type === '5') return;
      throw bad(`${entry.name} would take the place of the directory itself`);
    }
    this.#makeParents(posix.dirname(path));
    this.#clear(path, entry);
    this.#make(path, entry);
  }

  data(chunk: Buffer): void {
    if (this.#file === undefined) return;
    for (let at = 0; at < chunk.length; ) at += writeSync(this.#file.fd, chunk, at);
  }

  endOfFile(): void {
    if (this.#file === undefined) return;
    const { fd, entry } = this.#file;
    this.#file = undefined;
    const { uid, gid } = this.#ownerOf(entry);
    // Changing the owner takes set-user-ID and capabilities away: those come after it.
    fchownSync(fd, uid, gid);
    fchmodSync(fd, entry.mode);
    setXattrs(entry, (name, value) => fsetxattr(fd, name, value));
    futimesSync(fd, entry.mtime, entry.mtime);
    closeSync(fd);
  }

  /** Directories get their times, which their content's arrival had changed. */
  finish(): void {
    for (const { path, mtime } of this.#directoryTimes) {
      if (statOf(pathOf(path))?.isDirectory() === true) utimesSync(path, mtime, mtime);
    }
  }

  #make(path: string, entry: TarEntry): void {
    switch (entry.type) {
      case '0':
      case '7':
        this.#file = { fd: openSync(path, MAKE, 0o600), entry };
        return;
      case '1':
        return this.#link(path, entry);
      case '2':
        symlinkSync(entry.link, path);
        return this.#setMeta(path, entry);
      case '3':
        if (entry.major === 0 && entry.minor === 0) throw bad(`${entry.name} is the device 0:0, which overlayfs takes for a deleted file`);
        return this.#makeNode(path, 'character', entry);
      case '4':
        return this.#makeNode(path, 'block', entry);
      case '5':
        if (statOf(pathOf(path)) === undefined) mkdirSync(path, 0o755);
        return this.#setMeta(path, entry);
      case '6':
        return this.#makeNode(path, 'fifo', entry);
      default:
        throw bad(`${entry.name} is of the unknown type ${JSON.stringify(entry.type)}`);
    }
  }

  #makeNode(path: string, kind: NodeKind, entry: TarEntry): void {
    mknod(path, kind, entry.mode, entry.major, entry.minor);
    this.#setMeta(path, entry);
  }

  #link(path: string, entry: TarEntry): void {
    const target = this.#within(entry.link);
    try {
      linkSync(target, path);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) throw bad(`${entry.name} is a hard link to ${entry.link}, which isn't there`);
      throw error;
    }
  }

  #setMeta(path: string, entry: TarEntry): void {
    const { uid, gid } = this.#ownerOf(entry);
    lchownSync(path, uid, gid);
    if (entry.type !== '2') chmodSync(path, entry.mode);
    setXattrs(entry, (name, value) => lsetxattr(path, name, value));
    if (entry.type === '5') this.#directoryTimes.push({ path, mtime: entry.mtime });
    else lutimesSync(path, entry.mtime, entry.mtime);
  }

  #ownerOf({ uid, gid }: TarEntry): Owner {
    return this.#owner ?? { uid, gid };
  }

  #clear(path: string, entry: TarEntry): void {
    const found = statOf(pathOf(path));
    if (found === undefined || (found.isDirectory() && entry.type === '5')) return;
    if (this.#options.noOverwriteDirNonDir) {
      if (found.isDirectory()) throw new FileError('conflict', `cannot overwrite directory "${path}" with non-directory "${this.#dir}"`);
      if (entry.type === '5') throw new FileError('conflict', `cannot overwrite non-directory "${path}" with directory "${this.#dir}"`);
    }
    rmSync(path, { recursive: true });
  }

  /** Symlinks among them are followed, as they are in the container. */
  #makeParents(dir: string): void {
    if (dir === this.#dir || statOf(pathOf(dir)) !== undefined) return;
    this.#makeParents(posix.dirname(dir));
    mkdirSync(dir, 0o755);
  }

  #within(name: string): string {
    if (name.includes('\0')) throw bad('a name has a NUL byte');
    if (posix.normalize(name).split('/')[0] === '..') throw bad(`${JSON.stringify(name)} leads out of the directory`);
    const path = posix.join(this.#dir, posix.normalize(`/${name}`));
    return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  }
}

/** Attributes that this file system or kind of file can't have are left out, as Docker does. */
function setXattrs({ xattrs }: TarEntry, set: (name: string, value: Buffer) => void): void {
  for (const [name, value] of xattrs) {
    if (OVERLAY_XATTRS.some((prefix) => name.startsWith(prefix))) continue;
    try {
      set(name, value);
    } catch (error) {
      if (!hasCode(error, 'EOPNOTSUPP', 'ENOTSUP', 'EPERM')) throw error;
    }
  }
}

function bad(what: string): FileError {
  return new FileError('bad-archive', `the archive can't be unpacked: ${what}`);
}
