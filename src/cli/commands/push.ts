import { Command, Option } from 'commander';
import { type Context, connect } from '../context.ts';
import { authHeadersFor } from '../credentials/auth-header.ts';
import { EXIT, Failure } from '../failure.ts';
import { fullReference, parseReference } from '../parse/reference.ts';
import { imagePath } from '../paths.ts';
import { showProgress } from '../pull/pull-image.ts';

interface Options {
  readonly allTags?: boolean;
  readonly quiet?: boolean;
}

export function pushCommand(context: Context): Command {
  return new Command('push')
    .description('Uploads an image to the registry that its name says, with the credentials of `caravela login`.')
    .argument('<image>', 'such as registry.example.com/shop:1.2; `caravela tag` gives it such a name')
    .option('-a, --all-tags', 'all tags of the repository')
    .option('-q, --quiet', 'without progress')
    .addOption(new Option('--disable-content-trust [boolean]').hideHelp())
    .action(async (image: string, options: Options, command: Command) => {
      const { io } = context;
      const { allTags = false, quiet = false } = options;
      const reference = parseReference(image);
      const { name, tag, digest } = reference;
      if (digest !== undefined) throw new Failure(`${image} has a digest: an image is pushed by its tag`, EXIT.refused);
      if (allTags && tag !== undefined) throw new Failure(`-a pushes all tags: write ${name} without one`, EXIT.refused);
      const client = await connect(context, command);
      const headers = await authHeadersFor(io.env, image);
      if (!quiet && !allTags && tag === undefined) io.stdout.write('Using default tag: latest\n');
      const query = { tag: allTags ? undefined : (tag ?? 'latest') };
      const stream = await client.stream('POST', imagePath(name, '/push'), { query, headers });
      await showProgress(stream, { to: quiet ? undefined : io.stdout, tty: io.stdoutIsTty });
      if (quiet) io.stdout.write(`${allTags ? reference.fullName : fullReference(reference)}\n`);
    });
}
