/**
 * Paths in a container, from inside its root, by Docker's rules. Within this child they are "binary strings": one
 * character a byte, as files' names need not be text.
 */
import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { posix } from 'node:path';
import { FileError } from '../../files-port.ts';
import { hasCode } from '../../../linux/system-error.ts';

/** The kernel gives up after 40; Docker after 255. */
const MOST_LINKS = 255;

/** What a call takes. */
export const bytesOf = (path: string): Buffer => Buffer.from(path, 'latin1');
/** For people and JSON. */
export const textOf = (path: string): string => bytesOf(path).toString('utf8');
/** What a user wrote. */
export const pathOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

export interface NamedPath {
  /** Where it is: only its last component may be a symlink. */
  readonly path: string;
  /** What it is called: `.` for `/etc/.`, `/` for the root. */
  readonly name: string;
}

/** What `docker cp` reads: a symlink at the path's end is followed only where a slash comes after it. @throws FileError */
export function sourcePath(text: string): NamedPath {
  const asked = absolute(text);
  const slash = asked.lastIndexOf('/');
  const [dir, base] = [asked.slice(0, slash + 1), asked.slice(slash + 1)];
  const inDir = evaluate(dir);
  // With a slash at its end it has to be a directory.
  const path = base === '' || base === '.' ? (inDir === '/' ? inDir : `${inDir}/`) : posix.join(inDir, base);
  return { path, name: baseName(asked) };
}

/** Where `docker cp` writes: all symlinks are followed. */
export function targetPath(text: string): string {
  return evaluate(absolute(text));
}

/** Follows every symlink, also one whose target is missing. @param linkAt what the symlink there says; undefined: it is none @throws FileError */
export function evaluate(path: string, linkAt = linkHere): string {
  let left = path.split('/');
  let done = '';
  for (let links = 0; left.length > 0; ) {
    const [part = '', ...rest] = left;
    left = rest;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      done = done.slice(0, Math.max(0, done.lastIndexOf('/')));
      continue;
    }
    const next = `${done}/${part}`;
    const target = linkAt(next);
    if (target === undefined) {
      done = next;
      continue;
    }
    if (++links > MOST_LINKS) throw new FileError('no-such-path', `too many symbolic links in ${textOf(path)}`);
    if (target.startsWith('/')) done = '';
    left = [...target.split('/'), ...rest];
  }
  return done === '' ? '/' : done;
}

function linkHere(path: string): string | undefined {
  return statOf(path)?.isSymbolicLink() === true ? readlinkSync(bytesOf(path), { encoding: 'latin1' }) : undefined;
}

/** Of the file itself; undefined where there is none. */
export function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(bytesOf(path), { throwIfNoEntry: false });
  } catch (error) {
    if (hasCode(error, 'ENOTDIR', 'ENAMETOOLONG')) return undefined;
    throw error;
  }
}

/** Absolute and normal, `/` or `/.` at its end kept. */
function absolute(text: string): string {
  if (text.includes('\0')) throw new FileError('no-such-path', 'a path has a NUL byte');
  const path = pathOf(text);
  const clean = posix.normalize(`/${path}`).replace(/(?<=.)\/$/, '');
  if (/(^|\/)\.$/.test(path)) return clean === '/' ? '/.' : `${clean}/.`;
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

function baseName(path: string): string {
  return path === '/' ? '/' : (path.split('/').findLast((part) => part !== '') ?? '/');
}
