import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { Failure } from '../failure.ts';
import { showProgress } from '../pull/pull-image.ts';

export function loadCommand(context: Context): Command {
  return new Command('load')
    .description('Loads images from an archive (docker save, or an OCI layout; plain or gzip) into the node that was asked.')
    .option('-i, --input <file>', 'read it from there instead of from stdin')
    .option('-q, --quiet', 'without progress')
    .action(async (options: { input?: string; quiet?: boolean }, command: Command) => {
      const { io } = context;
      if (options.input === undefined && io.stdinIsTty)
        throw new Failure('an archive is read from stdin, which is your terminal: name a file with -i');
      const archive = await archiveOf(options.input, io.stdin);
      const client = await connect(context, command);
      const stream = await client.stream('POST', '/images/load', {
        query: { quiet: options.quiet },
        body: archive,
        headers: { 'content-type': 'application/x-tar' },
      });
      await showProgress(stream, { to: io.stdout, tty: io.stdoutIsTty });
    });
}

/** The file is opened before the daemon is asked, so that a wrong name is told as such. */
async function archiveOf(file: string | undefined, stdin: Readable): Promise<Readable> {
  if (file === undefined) return stdin;
  const opened = await open(file);
  const isDirectory = (await opened.stat()).isDirectory();
  await opened.close();
  if (isDirectory) throw new Failure(`cannot use ${file}: it is a directory`);
  return createReadStream(file);
}
