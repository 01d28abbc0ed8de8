/**
 * Writes a tree into a tar, from inside its root. It may change meanwhile, by the hand of one who means harm: a file is
 * looked at again once it is open, and read no further than the size that its header says.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { hasCode } from '../../../linux/system-error.ts';
import { lgetxattrAt, llistxattr } from '../../../linux/xattr.ts';
import { deviceNumbers } from '../runtime-spec-devices.ts';
import { bytesOf } from './container-path.ts';
import type { RuntimeMade } from './protocol.ts';
import { type ArchivedFile, padding, TAR_END, tarHeader } from './tar-writer.ts';

const CHUNK_BYTES = 256 * 1024;
const WHITEOUT = '.wh.';
const OPAQUE_MARK = '.wh..wh..opq';
const OPEN = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
/** Extended attributes that a tar carries: those that mean something elsewhere, too. */
const isCarried = (name: string): boolean =>
  name === 'security.capability' || (name.startsWith('user.') && !name.startsWith('user.overlay.'));

export interface TreeArchiverOptions {
  /** A container's upper directory becomes a layer: overlayfs' whiteouts become those of tars (OCI image spec, layer). */
  readonly layer?: boolean;
  /** Left out, where nothing was made of them. */
  readonly runtimeMade?: RuntimeMade;
}

export class TreeArchiver {
  readonly #out: (bytes: Buffer) => void;
  readonly #options: TreeArchiverOptions;
  readonly #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  /** Names of files that have several, by device and number. */
  readonly #linked = new Map<string, string>();

  constructor(out: (bytes: Buffer) => void, options: TreeArchiverOptions = {}) {
    this.#out = out;
    this.#options = options;
  }

  /** `path`, and all below it, as `name`; '' for the root directory, of which only what is in it is written. */
  add(path: string, name: string): void {
    const stat = lstatSync(bytesOf(path));
    if (stat.isDirectory()) this.#addDirectory(path, name, stat);
    else this.#addFile(path, name, stat);
  }

  /** What is in the directory. */
  addContent(dir: string, name: string): void {
    const names = readdirSync(bytesOf(dir), { encoding: 'latin1' });
    for (const each of names.sort()) {
      const path = dir === '/' ? `/${each}` : `${dir}/${each}`;
      const inArchive = name === '' ? each : `${name}/${each}`;
      try {
        const stat = lstatSync(bytesOf(path));
        if (this.#isRuntimeMade(path, stat)) continue;
        if (stat.isDirectory()) this.#addDirectory(path, inArchive, stat);
        else this.#addFile(path, inArchive, stat);
      } catch (error) {
        // It went since it was listed.
        if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
      }
    }
  }

  end(): void {
    this.#out(TAR_END);
  }

  #addDirectory(path: string, name: string, stat: Stats): void {
    const dir = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    // Docker calls the root's entries `/etc`, the root itself `/`.
    this.#write(`${name === '/' ? '' : name}/`, '5', path, stat);
    if (this.#options.layer === true && lgetxattrAt(nulEnded(path), 'trusted.overlay.opaque')?.toString() === 'y') {
      this.#writeEmpty(`${name}/${OPAQUE_MARK}`, stat);
    }
    if (name === '/') this.#addRootContent(dir);
    else this.addContent(dir, name);
  }

  /** With names that begin with a slash. */
  #addRootContent(dir: string): void {
    const inner = new TreeArchiver(this.#out, this.#options);
    for (const each of readdirSync(bytesOf(dir), { encoding: 'latin1' }).sort()) {
      try {
        inner.add(`${dir === '/' ? '' : dir}/${each}`, `/${each}`);
      } catch (error) {
        if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
      }
    }
  }

  #addFile(path: string, name: string, stat: Stats): void {
    if (stat.isSymbolicLink()) return this.#write(name, '2', path, stat, readlinkSync(bytesOf(path), { encoding: 'latin1' }));
    if (stat.isSocket()) return;
    if (this.#options.layer === true && isWhiteout(stat)) return this.#writeWhiteout(name, stat);
    const before = stat.nlink > 1 ? this.#earlierName(stat, name) : undefined;
    if (before !== undefined) return this.#write(name, '1', path, stat, before);
    if (stat.isFile()) return this.#writeRegular(path, name);
    this.#write(name, stat.isFIFO() ? '6' : stat.isBlockDevice() ? '4' : '3', path, stat);
  }

  #earlierName({ dev, ino }: Stats, name: string): string | undefined {
    const key = `${dev}:${ino}`;
    const before = this.#linked.get(key);
    if (before === undefined) this.#linked.set(key, name);
    return before;
  }

  #writeRegular(path: string, name: string): void {
    const fd = openSync(bytesOf(path), OPEN);
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile()) return;
      this.#write(name, '0', path, stat);
      for (let left = stat.size; left > 0; ) {
        let length = readSync(fd, this.#chunk, 0, Math.min(left, CHUNK_BYTES), null);
        // It has shrunk: the header has promised more.
        if (length === 0) length = this.#chunk.fill(0, 0, Math.min(left, CHUNK_BYTES)).subarray(0, Math.min(left, CHUNK_BYTES)).length;
        this.#out(this.#chunk.subarray(0, length));
        left -= length;
      }
      this.#out(padding(stat.size));
    } finally {
      closeSync(fd);
    }
  }

  #writeWhiteout(name: string, stat: Stats): void {
    const slash = name.lastIndexOf('/') + 1;
    this.#writeEmpty(`${name.slice(0, slash)}${WHITEOUT}${name.slice(slash)}`, stat);
  }

  #writeEmpty(name: string, { mtimeMs }: Stats): void {
    const mtimeSeconds = Math.floor(mtimeMs / 1000);
    const none = { link: '', uid: 0, gid: 0, sizeBytes: 0, major: 0, minor: 0, xattrs: new Map<string, Buffer>() };
    this.#out(tarHeader({ ...none, name, type: '0', mode: 0o600, mtimeSeconds }));
  }

  #write(name: string, type: ArchivedFile['type'], path: string, stat: Stats, link = ''): void {
    const isDevice = type === '3' || type === '4';
    this.#out(
      tarHeader({
        name,
        type,
        link,
        mode: stat.mode & 0o7777,
        uid: stat.uid,
        gid: stat.gid,
        sizeBytes: type === '0' ? stat.size : 0,
        mtimeSeconds: Math.floor(stat.mtimeMs / 1000),
        ...(isDevice ? deviceNumbers(stat.rdev) : { major: 0, minor: 0 }),
        xattrs: type === '1' || type === '2' ? new Map() : xattrsOf(path),
      }),
    );
  }

  #isRuntimeMade(path: string, stat: Stats): boolean {
    const kind = this.#options.runtimeMade?.[path];
    if (kind === 'file') return stat.isFile() && stat.size === 0;
    return kind === 'directory' && stat.isDirectory() && readdirSync(bytesOf(path)).length === 0;
  }
}

export function isWhiteout(stat: Stats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0;
}

export const nulEnded = (path: string): Buffer => bytesOf(`${path}\0`);

function xattrsOf(path: string): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const name of llistxattr(nulEnded(path))) {
    const value = isCarried(name) ? lgetxattrAt(nulEnded(path), name) : undefined;
    if (value !== undefined) found.set(name, value);
  }
  return found;
}
