import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { parseReference } from '../parse/reference.ts';
import { collect } from './options.ts';

interface Options {
  readonly author?: string;
  readonly change?: readonly string[];
  readonly message?: string;
  readonly pause: boolean;
}

export function commitCommand(context: Context): Command {
  return new Command('commit')
    .description("Makes an image of a container: its image and what it wrote. Prints the image's id.")
    .argument('<container>')
    .argument('[name[:tag]]')
    .option('-a, --author <text>', 'who made it')
    .option('-c, --change <instruction>', 'of a Dockerfile, for the image: CMD ["sh"], ENV A=b', collect)
    .option('-m, --message <text>', 'its comment')
    .option('-p, --pause', 'keep the container from running meanwhile', true)
    .option('--no-pause', 'let it run meanwhile')
    .action(async (container: string, name: string | undefined, options: Options, command: Command) => {
      const { name: repo, tag } = name === undefined ? {} : parseReference(name);
      const client = await connect(context, command);
      const { author, change, message: comment, pause } = options;
      const { value } = await client.json<{ Id: string }>('POST', '/commit', {
        query: { container, repo, tag, author, comment, pause, changes: change },
        body: {},
      });
      context.io.stdout.write(`${value.Id}\n`);
    });
}
