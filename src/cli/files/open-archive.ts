import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';

/** A file, looked at before the daemon is asked, so that a wrong name is told as such; stdin where none is named. @throws Failure, ErrnoException */
export async function openArchive(io: Io, file: string | undefined): Promise<Readable> {
  if (file === undefined) {
    if (io.stdinIsTty) throw new Failure('an archive is read from stdin, which is your terminal: name a file');
    return io.stdin;
  }
  if ((await stat(file)).isDirectory()) throw new Failure(`cannot use ${file}: it is a directory`);
  return createReadStream(file);
}
