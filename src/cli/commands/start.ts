import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { containerPath } from '../paths.ts';
import { each } from './each.ts';

export function startCommand(context: Context): Command {
  return new Command('start')
    .summary('start stopped containers')
    .description('Starts stopped or created containers, each on the node it belongs to.')
    .argument('<container...>')
    .action(async (names: string[], _options: object, command: Command) => {
      const client = await connect(context, command);
      await each(context.io, names, async (name) => {
        await client.json('POST', containerPath(name, '/start'));
        return name;
      });
    });
}
