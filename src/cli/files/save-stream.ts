import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure, isBrokenOff } from '../failure.ts';
import { type Io, write } from '../io.ts';

/** As Docker has it, nobody else may read it: it may hold anything that a container or an image does. */
const ARCHIVE_MODE = 0o600;

/**
 * Writes what is downloaded to a file, or to stdout where none is named. A file appears when it is whole. @param open the download
 * @throws Failure where stdout is a terminal
 */
export async function saveStream(io: Io, file: string | undefined, open: (signal: AbortSignal) => Promise<Readable>): Promise<void> {
  if (file === undefined && io.stdoutIsTty) throw new Failure('cowardly refusing to save to a terminal: use -o, or redirect the output');
  const kind = file === undefined ? undefined : await kindOf(file);
  if (kind === 'directory') throw new Failure(`cannot use ${file}: it is a directory`);
  const ending = new AbortController();
  try {
    const stream = await open(ending.signal);
    if (file === undefined) for await (const chunk of stream as AsyncIterable<Buffer>) await write(io.stdout, chunk);
    // A device or a pipe can't be put in another's place.
    else if (kind === 'other') await pipeline(stream, createWriteStream(file));
    else await intoPlace(stream, file);
  } catch (error) {
    throw isBrokenOff(error) ? new Failure(`lost the connection to the daemon before the archive was whole (${error.message})`) : error;
  } finally {
    ending.abort();
  }
}

async function intoPlace(stream: Readable, file: string): Promise<void> {
  const fresh = `${file}.${process.pid}.part`;
  try {
    await pipeline(stream, createWriteStream(fresh, { flags: 'wx', mode: ARCHIVE_MODE }));
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

/** What stands where the file is to be. @throws Failure where its directory is missing */
async function kindOf(file: string): Promise<'none' | 'file' | 'directory' | 'other'> {
  const there = await stat(file).catch(() => undefined);
  if (there !== undefined) return there.isFile() ? 'file' : there.isDirectory() ? 'directory' : 'other';
  const directory = dirname(file);
  const above = await stat(directory).catch(() => undefined);
  if (above?.isDirectory() !== true) throw new Failure(`cannot use ${file}: there is no directory ${directory}`);
  return 'none';
}
