import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { openArchive } from '../files/open-archive.ts';
import { parseReference } from '../parse/reference.ts';
import { showProgress } from '../pull/pull-image.ts';
import { collect } from './options.ts';

interface Options {
  readonly change?: readonly string[];
  readonly message?: string;
  readonly platform?: string;
}

export function importCommand(context: Context): Command {
  return new Command('import')
    .description('Makes an image of a tar archive with a root file system: one layer, nothing said of what to run.')
    .argument('<file>', 'a path, a URL that the daemon fetches, or - for stdin')
    .argument('[name[:tag]]')
    .usage('[options] file|URL|- [REPOSITORY[:TAG]]')
    .option('-c, --change <instruction>', 'of a Dockerfile, for the image: CMD ["sh"], ENV A=b', collect)
    .option('-m, --message <text>', 'its comment')
    .option('--platform <os/arch>', 'what it is for')
    .action(async (file: string, name: string | undefined, options: Options, command: Command) => {
      const { io } = context;
      const isUrl = /^https?:\/\//.test(file);
      const { name: repo, tag } = name === undefined ? {} : parseReference(name);
      const archive = isUrl ? undefined : await openArchive(io, file === '-' ? undefined : file);
      const client = await connect(context, command);
      const { change, message, platform } = options;
      const stream = await client.stream('POST', '/images/create', {
        query: { fromSrc: isUrl ? file : '-', repo, tag, message, changes: change, platform },
        body: archive,
        headers: { 'content-type': 'application/x-tar' },
      });
      await showProgress(stream, { to: io.stdout, tty: io.stdoutIsTty });
    });
}
