import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { Failure } from '../failure.ts';
import { openArchive } from '../files/open-archive.ts';
import { showProgress } from '../pull/pull-image.ts';

interface Options {
  readonly input?: string;
  readonly quiet?: boolean;
}

export function loadCommand(context: Context): Command {
  return new Command('load')
    .description('Loads images from an archive (docker save, or an OCI layout; plain or gzip) into the node that was asked.')
    .option('-i, --input <file>', 'read it from there instead of from stdin')
    .option('-q, --quiet', 'without progress')
    .action(async ({ input, quiet }: Options, command: Command) => {
      const { io } = context;
      if (input === undefined && io.stdinIsTty)
        throw new Failure('an archive is read from stdin, which is your terminal: name a file with -i');
      const archive = await openArchive(io, input);
      const client = await connect(context, command);
      const stream = await client.stream('POST', '/images/load', {
        query: { quiet },
        body: archive,
        headers: { 'content-type': 'application/x-tar' },
      });
      await showProgress(stream, { to: io.stdout, tty: io.stdoutIsTty });
    });
}
