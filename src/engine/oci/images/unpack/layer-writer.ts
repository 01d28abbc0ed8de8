/**
 * Writes a layer's entries under `/`, which is the layer's own directory: the process has chrooted
 * itself into it. The chroot keeps every name inside, symlinks and `..` included; the rules here keep
 * a layer from tricking its own tree:
 *
 * - a symlink or file standing where a parent directory is needed is replaced, never followed;
 * - files are made anew, O_EXCL | O_NOFOLLOW; chown comes before chmod, which it would strip of
 *   setuid, and attributes last, because chown drops capabilities;
 * - overlayfs' own attributes are dropped (a redirect could graft in another directory), and so is
 *   a ready-made whiteout device refused;
 * - whiteouts become what overlayfs wants: `.wh.NAME` a character device 0:0, `.wh..wh..opq` the
 *   attribute trusted.overlay.opaque (kernel: filesystems/overlayfs). They hide lower layers only, so
 *   a directory that this layer also has becomes opaque instead (OCI image spec, layer).
 */
import { closeSync, constants, fchmodSync, fchownSync, futimesSync, openSync, writeSync } from 'node:fs';
import {
  chmodSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  rmSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import { posix } from 'node:path';
import { mknod, type NodeKind } from '../../../../linux/mknod.ts';
import { hasCode } from '../../../../linux/system-error.ts';
import { lsetxattr } from '../../../../linux/xattr.ts';
import type { TarEntry } from './pax.ts';
import { TarError } from './tar-header.ts';
import type { TarSink } from './tar-reader.ts';

const WHITEOUT = '.wh.';
const OPAQUE_MARK = '.wh..wh..opq';
/** aufs' own bookkeeping, left in old images: plink directories and the like. */
const AUFS_META = '.wh..wh.';
/** Below the kernel's 4096, so that the tree can also be reached, and removed, from outside by its longer path. */
const MAX_PATH_BYTES = 3072;
const OVERLAY_XATTRS = ['trusted.overlay.', 'user.overlay.'];

export class LayerWriter implements TarSink {
  entries = 0;
  /** Content of regular files. */
  fileBytes = 0;
  readonly #maxEntries: number;
  /** Directories known to be real ones. */
  readonly #directories = new Set(['/']);
  readonly #directoryTimes: { readonly path: string; readonly mtime: number }[] = [];
  #file: { readonly fd: number; readonly path: string; readonly entry: TarEntry } | undefined;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  entry(entry: TarEntry): void {
    if (++this.entries > this.#maxEntries) throw new TarError(`the layer has more than ${this.#maxEntries} entries`);
    const path = absolute(entry.name);
    const { dir, base } = posix.parse(path);
    if (path.split('/').some((part) => part.startsWith(AUFS_META) && part !== OPAQUE_MARK)) return;
    if (dir.includes(`/${WHITEOUT}`)) throw new TarError(`${entry.name} lies below a whiteout`);
    if (path === '/') {
      if (entry.type === '5') this.#setMeta(path, entry);
      return;
    }
    this.#makeParents(dir);
    if (base === OPAQUE_MARK) return markOpaque(dir);
    if (base.startsWith(WHITEOUT)) return this.#whiteOut(dir, base.slice(WHITEOUT.length), entry);
    this.#make(path, entry);
  }

  /** Content of an entry that isn't written (a whiteout's) goes nowhere. */
  data(chunk: Buffer): void {
    if (this.#file === undefined) return;
    for (let at = 0; at < chunk.length; ) at += writeSync(this.#file.fd, chunk, at);
    this.fileBytes += chunk.length;
  }

  endOfFile(): void {
    if (this.#file === undefined) return;
    const { fd, path, entry } = this.#file;
    this.#file = undefined;
    fchownSync(fd, entry.uid, entry.gid);
    fchmodSync(fd, entry.mode);
    setXattrs(path, entry.xattrs);
    futimesSync(fd, entry.mtime, entry.mtime);
    closeSync(fd);
  }

  /** The layer is complete: directories get their times, which their content's arrival had changed. */
  finish(): void {
    for (const { path, mtime } of this.#directoryTimes) {
      if (this.#directories.has(path)) utimesSync(path, mtime, mtime);
    }
  }

  #make(path: string, entry: TarEntry): void {
    switch (entry.type) {
      case '0':
      case '7':
        this.#clear(path);
        this.#file = {
          fd: openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600),
          path,
          entry,
        };
        return;
      case '1':
        return this.#link(path, entry);
      case '2':
        this.#clear(path);
        symlinkSync(entry.link, path);
        return this.#setMeta(path, entry);
      case '3':
        return this.#makeNode(path, 'character', entry);
      case '4':
        return this.#makeNode(path, 'block', entry);
      case '5':
        this.#makeDirectory(path);
        return this.#setMeta(path, entry);
      case '6':
        return this.#makeNode(path, 'fifo', entry);
      case 'S':
        throw new TarError(`${entry.name} is a sparse file, which layers may not have`);
      default:
        throw new TarError(`${entry.name} is of the unknown type ${JSON.stringify(entry.type)}`);
    }
  }

  #makeNode(path: string, kind: NodeKind, entry: TarEntry): void {
    if (kind === 'character' && entry.major === 0 && entry.minor === 0)
      throw new TarError(`${entry.name} is the device 0:0, which overlayfs would take for a whiteout`);
    this.#clear(path);
    mknod(path, kind, entry.mode, entry.major, entry.minor);
    this.#setMeta(path, entry);
  }

  /** The target's own parents may be symlinks; the kernel follows them inside the chroot. */
  #link(path: string, entry: TarEntry): void {
    const target = absolute(entry.link);
    if (target === path) return;
    const found = statOf(target);
    if (found === undefined) throw new TarError(`${entry.name} is a hard link to ${entry.link}, which the layer doesn't have`);
    if (found.isDirectory() || isWhiteout(found)) throw new TarError(`${entry.name} is a hard link to ${entry.link}, which is no file`);
    this.#clear(path);
    linkSync(target, path);
  }

  #makeParents(path: string): void {
    if (this.#directories.has(path)) return;
    this.#makeParents(posix.dirname(path));
    this.#makeDirectory(path);
  }

  /** Leaves an existing directory alone; replaces anything else. */
  #makeDirectory(path: string): void {
    if (this.#directories.has(path)) return;
    const found = statOf(path);
    if (found?.isDirectory() !== true) {
      if (found !== undefined) unlinkSync(path);
      mkdirSync(path, 0o755);
      if (found !== undefined && isWhiteout(found)) markOpaque(path);
    }
    this.#directories.add(path);
  }

  #whiteOut(dir: string, name: string, entry: TarEntry): void {
    if (name === '' || name === '.' || name === '..') throw new TarError(`${entry.name} is a whiteout of no file`);
    const path = posix.join(dir, name);
    const found = statOf(path);
    if (found === undefined) mknod(path, 'character', 0);
    else if (found.isDirectory()) markOpaque(path);
  }

  #clear(path: string): void {
    const found = statOf(path);
    if (found === undefined) return;
    if (!found.isDirectory()) return unlinkSync(path);
    rmSync(path, { recursive: true });
    for (const known of this.#directories) if (known === path || known.startsWith(`${path}/`)) this.#directories.delete(known);
  }

  #setMeta(path: string, entry: TarEntry): void {
    lchownSync(path, entry.uid, entry.gid);
    if (entry.type !== '2') chmodSync(path, entry.mode);
    setXattrs(path, entry.xattrs);
    if (entry.type === '5') this.#directoryTimes.push({ path, mtime: entry.mtime });
    else lutimesSync(path, entry.mtime, entry.mtime);
  }
}

function markOpaque(dir: string): void {
  lsetxattr(dir, 'trusted.overlay.opaque', Buffer.from('y'));
}

/** Attributes this file system or file kind can't have are left out, as Docker does. */
function setXattrs(path: string, xattrs: ReadonlyMap<string, Buffer>): void {
  for (const [name, value] of xattrs) {
    if (OVERLAY_XATTRS.some((prefix) => name.startsWith(prefix))) continue;
    try {
      lsetxattr(path, name, value);
    } catch (error) {
      if (!hasCode(error, 'EOPNOTSUPP', 'ENOTSUP', 'EPERM')) throw error;
    }
  }
}

function absolute(name: string): string {
  if (name.includes('\0')) throw new TarError('a name has a NUL byte');
  if (Buffer.byteLength(name) > MAX_PATH_BYTES) throw new TarError(`a name has more than ${MAX_PATH_BYTES} bytes: ${name.slice(0, 64)}…`);
  const path = posix.normalize(`/${name}`);
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function isWhiteout(stat: Stats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0;
}
