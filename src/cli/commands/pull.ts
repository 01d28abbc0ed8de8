import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { pullImage } from '../pull/pull-image.ts';
import { splitReference } from '../pull/split-reference.ts';

export function pullCommand(context: Context): Command {
  return new Command('pull')
    .description('Fetches an image from its registry to the node that was asked; others get it from there when they need it.')
    .argument('<image>', 'such as docker.io/library/nginx:1.27')
    .option('-q, --quiet', 'without progress')
    .action(async (image: string, options: { quiet?: boolean }, command: Command) => {
      const client = await connect(context, command);
      const { io } = context;
      await pullImage(client, image, { to: options.quiet === true ? undefined : io.stdout, tty: io.stdoutIsTty });
      const { repository, tag } = splitReference(image);
      io.stdout.write(`${repository}${tag.includes(':') ? '@' : ':'}${tag}\n`);
    });
}
