import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { type AssertedPath, assertedPath } from './asserted-path.ts';
import type { ContainerFiles } from './container-files.ts';
import type { CopyOptions } from './copy-out.ts';
import { counted } from './counted.ts';
import { packPath } from './pack.ts';

/** From a path here, or a tar on stdin, into a container. Resolves to the bytes that were sent. */
export async function copyIn(io: Io, files: ContainerFiles, source: string, target: string, options: CopyOptions): Promise<number> {
  let to = assertedPath(target, '/');
  let there = await files.stat(to.path);
  if (there?.linkTarget !== undefined) {
    to = { ...to, path: there.linkTarget };
    there = await files.stat(to.path);
  }
  const keepOwners = options.archive === true;
  if (source === '-') {
    if (there?.isDirectory !== true) throw new Failure(`the destination ${target} must be a directory, into which the archive is unpacked`);
    const copy = counted(io.stdin);
    await files.write(to.path, copy.stream, keepOwners);
    return copy.bytes;
  }
  const from = await sourceAt(assertedPath(source, process.cwd()), source, options.followLink === true);
  const { directory, name } = placeFor(from, there, to, target);
  const copy = counted(packPath({ path: from.path, name, warn: (sentence) => io.stderr.write(`warning: ${sentence}\n`) }));
  await files.write(directory, copy.stream, keepOwners);
  return copy.bytes;
}

interface Source {
  /** The links that are to be followed are. */
  readonly path: string;
  /** As the user called it. */
  readonly name: string;
  readonly isDirectory: boolean;
  readonly contents: boolean;
}

/** A slash at its end follows a link, too. @throws Failure, ErrnoException */
async function sourceAt(from: AssertedPath, said: string, followLink: boolean): Promise<Source> {
  const path = followLink || from.directory ? await realpath(from.path) : join(await realpath(dirname(from.path)), basename(from.path));
  const isDirectory = (await lstat(path)).isDirectory();
  if (from.directory && !isDirectory) throw new Failure(`${said} is no directory, as the slash in it says`);
  return { path, name: basename(from.path), isDirectory, contents: from.contents || from.path === '/' };
}

/** Docker's rules for where it goes, and under what name (docs.docker.com, docker cp). @throws Failure */
function placeFor(
  from: Source,
  there: { readonly isDirectory: boolean } | undefined,
  to: AssertedPath,
  said: string,
): { readonly directory: string; readonly name: string } {
  if (there?.isDirectory === true) return { directory: to.path, name: from.contents ? '.' : from.name };
  if (there !== undefined && from.isDirectory) throw new Failure(`cannot copy a directory over ${said}, which is a file`);
  if (to.directory && (there !== undefined || !from.isDirectory)) throw new Failure(`there is no directory ${said} in the container`);
  return { directory: posix.dirname(to.path), name: posix.basename(to.path) };
}
