import { Command, Option } from 'commander';
import { type Context, connect } from '../context.ts';
import { EXIT, Failure } from '../failure.ts';
import { fullReference, parseReference } from '../parse/reference.ts';
import { pullImage } from '../pull/pull-image.ts';

interface Options {
  readonly allTags?: boolean;
  readonly platform?: string;
  readonly quiet?: boolean;
}

export function pullCommand(context: Context): Command {
  return new Command('pull')
    .description('Fetches an image from its registry to the node that was asked; others get it from there when they need it.')
    .argument('<image>', 'such as docker.io/library/nginx:1.27')
    .option('-a, --all-tags', 'all that the repository has')
    .option('--platform <os/arch>', "linux/arm64: another than each node's own")
    .option('-q, --quiet', 'without progress')
    .addOption(new Option('--disable-content-trust [boolean]').hideHelp())
    .action(async (image: string, options: Options, command: Command) => {
      const { io } = context;
      const { allTags = false, platform, quiet = false } = options;
      const reference = parseReference(image);
      const { tag, digest } = reference;
      if (allTags && (tag !== undefined || digest !== undefined)) {
        throw new Failure(`-a pulls all tags: write ${reference.name} without one`, EXIT.refused);
      }
      const client = await connect(context, command);
      if (!quiet && !allTags && tag === undefined && digest === undefined) io.stdout.write('Using default tag: latest\n');
      await pullImage(client, io, { image, platform, allTags }, { to: quiet ? undefined : io.stdout, tty: io.stdoutIsTty });
      io.stdout.write(`${allTags ? reference.fullName : fullReference(reference)}\n`);
    });
}
