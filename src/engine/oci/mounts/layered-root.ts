import { chmodSync, closeSync, lchownSync, lstatSync, mkdirSync, openSync, readlinkSync, type Stats, utimesSync } from 'node:fs';
import { posix } from 'node:path';
import { lgetxattrAt, llistxattr, lsetxattr } from '../../../linux/xattr.ts';
import { EngineError } from '../../port.ts';
import { bytesOf, evaluate, pathOf, textOf } from '../files/container-path.ts';
import { isWhiteout, nulEnded } from '../files/tree-archiver.ts';

const MODE = 0o755;

/** A path of the container's as the kernel would show it. */
interface Place {
  /** The topmost, on the host; undefined: nothing. */
  readonly found: { readonly at: string; readonly stat: Stats } | undefined;
  /** Where a directory's content is looked for: upper directory and layers, the topmost first. */
  readonly merged: readonly string[];
}

/**
 * What a container's root will be before it is ever mounted: its upper directory over the layers of its image. What is
 * made goes into the upper directory, as the kernel would have it there (Documentation/filesystems/overlayfs.rst).
 * For containers of which nothing has run: the upper directory has what was made here, and the layers never change, so
 * that no path leads out of them once its parents are known to be directories. Paths are "binary strings" (container-path).
 */
export class LayeredRoot {
  readonly #upper: string;
  readonly #places = new Map<string, Place>();

  /** @param layerDirs the topmost first */
  constructor(upper: string, layerDirs: readonly string[]) {
    this.#upper = pathOf(upper);
    this.#places.set('/', { found: undefined, merged: [upper, ...layerDirs].map(pathOf) });
  }

  /** What its own name leads to, be it a symlink. */
  kindOf(path: string): 'directory' | 'other' | 'absent' {
    const { found } = this.#placeOf(path);
    return found === undefined ? 'absent' : found.stat.isDirectory() ? 'directory' : 'other';
  }

  /** Follows symlinks, and makes each directory that is missing, as root's. @throws EngineError where a file is in the way */
  makeDirectories(path: string): void {
    const real = evaluate(path, (each) => this.#linkAt(each));
    const kinds = stepsTo(real).map((dir) => this.kindOf(dir));
    if (kinds.includes('other')) throw new EngineError('engine-failed', `Cannot mkdir: ${textOf(path)} is not a directory`);
    if (kinds.includes('absent')) this.#bringUp(real);
  }

  /** Empty. Nothing is there, and above it are directories, or nothing. */
  makeFile(path: string): void {
    this.#bringUp(posix.dirname(path));
    const at = bytesOf(this.#upper + path);
    closeSync(openSync(at, 'wx', MODE));
    this.#isMade(path, [], MODE);
  }

  /** The directory and all above it, into the upper directory: something is to be made in it. */
  #bringUp(path: string): void {
    const copied: { readonly dir: string; readonly original: Stats }[] = [];
    for (const dir of stepsTo(path)) {
      const { found, merged } = this.#placeOf(dir);
      if (found === undefined) this.#makeDirectory(dir, [], { mode: MODE, uid: 0, gid: 0 });
      else if (merged[0] !== this.#upper) {
        this.#makeDirectory(dir, merged, found.stat);
        this.#copyAttributes(found.at, this.#upper + dir);
        copied.push({ dir, original: found.stat });
      }
    }
    // The deepest one has something new, and the time of it.
    for (const { dir, original } of copied.slice(0, -1))
      utimesSync(bytesOf(this.#upper + dir), original.atimeMs / 1000, original.mtimeMs / 1000);
  }

  /** @param merged its content so far */
  #makeDirectory(path: string, merged: readonly string[], { mode, uid, gid }: Pick<Stats, 'mode' | 'uid' | 'gid'>): void {
    const at = bytesOf(this.#upper + path);
    mkdirSync(at, mode & 0o7777);
    if (uid !== 0 || gid !== 0) lchownSync(at, uid, gid);
    this.#isMade(path, [this.#upper, ...merged], mode & 0o7777);
  }

  /** What else there is of it stays where it is: the kernel shows both. */
  #copyAttributes(from: string, to: string): void {
    for (const name of llistxattr(nulEnded(from))) {
      const value = name.startsWith('trusted.overlay.') ? undefined : lgetxattrAt(nulEnded(from), name);
      if (value !== undefined) lsetxattr(textOf(to), name, value);
    }
  }

  #isMade(path: string, merged: readonly string[], mode: number): void {
    const at = this.#upper + path;
    const stat = lstatSync(bytesOf(at));
    // Whatever our umask.
    if ((stat.mode & 0o7777) !== mode) chmodSync(bytesOf(at), mode);
    this.#places.set(path, { found: { at, stat }, merged });
  }

  #linkAt(path: string): string | undefined {
    const { found } = this.#placeOf(path);
    return found?.stat.isSymbolicLink() === true ? readlinkSync(bytesOf(found.at), { encoding: 'latin1' }) : undefined;
  }

  /** @param path whose parents are no symlinks */
  #placeOf(path: string): Place {
    const known = this.#places.get(path);
    if (known !== undefined) return known;
    const place = this.#look(path, this.#placeOf(posix.dirname(path)).merged);
    this.#places.set(path, place);
    return place;
  }

  #look(path: string, dirs: readonly string[]): Place {
    let found: Place['found'];
    const merged: string[] = [];
    for (const dir of dirs) {
      const at = dir + path;
      const stat = lstatSync(bytesOf(at), { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (isWhiteout(stat)) break;
      found ??= { at, stat };
      if (!stat.isDirectory()) break;
      merged.push(dir);
      if (dir !== dirs.at(-1) && lgetxattrAt(nulEnded(at), 'trusted.overlay.opaque')?.toString() === 'y') break;
    }
    return { found, merged };
  }
}

/** `/a`, `/a/b`, for `/a/b`; none for `/`. */
function stepsTo(path: string): string[] {
  const names = path.split('/').filter((each) => each !== '');
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
}
