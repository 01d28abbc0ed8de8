import { realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { Failure } from '../failure.ts';
import { type Io, write } from '../io.ts';
import { type AssertedPath, assertedPath, written } from './asserted-path.ts';
import type { ContainerFiles } from './container-files.ts';
import { counted } from './counted.ts';
import { unpack } from './unpack.ts';

export interface CopyOptions {
  readonly archive?: boolean;
  readonly followLink?: boolean;
}

/** From a container to a path here, or to stdout as a tar. Resolves to the bytes that were read. */
export async function copyOut(io: Io, files: ContainerFiles, source: string, target: string, options: CopyOptions): Promise<number> {
  const from = assertedPath(source, '/');
  const ending = new AbortController();
  try {
    // A slash at the end follows a link by itself.
    const linked = options.followLink === true && !from.directory ? (await files.stat(from.path))?.linkTarget : undefined;
    const { stat: what, archive } = await files.read(linked ?? written(from), ending.signal);
    const copy = counted(archive);
    if (target === '-') for await (const chunk of copy.stream as AsyncIterable<Buffer>) await write(io.stdout, chunk);
    else {
      await unpack(copy.stream, {
        ...(await placeFor(from, what.isDirectory, assertedPath(target, process.cwd()), target)),
        hasRoot: from.path !== '/',
        keepOwners: options.archive === true && process.getuid?.() === 0,
        warn: (sentence) => io.stderr.write(`warning: ${sentence}\n`),
      });
    }
    return copy.bytes;
  } finally {
    ending.abort();
  }
}

/** Docker's rules for where it goes, and under what name (docs.docker.com, docker cp). @throws Failure */
async function placeFor(
  from: AssertedPath,
  isDirectory: boolean,
  to: AssertedPath,
  said: string,
): Promise<{ readonly directory: string; readonly rename: string | undefined }> {
  const there = await stat(to.path).catch(() => undefined);
  const isContents = from.contents || from.path === '/';
  if (there?.isDirectory() === true) return { directory: await realpath(to.path), rename: isContents ? undefined : basename(from.path) };
  if (there !== undefined && isDirectory) throw new Failure(`cannot copy a directory over ${said}, which is a file`);
  if (to.directory && (there !== undefined || !isDirectory))
    throw new Failure(`there is no directory ${said}: make it, or leave the slash at its end out`);
  // One that is a link is written through, not replaced.
  const final = there === undefined ? to.path : await realpath(to.path);
  const parent = await stat(dirname(final)).catch(() => undefined);
  if (parent?.isDirectory() !== true) throw new Failure(`cannot use ${said}: there is no directory ${dirname(final)}`);
  return { directory: dirname(final), rename: basename(final) };
}
