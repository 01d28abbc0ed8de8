import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { containerPath } from '../paths.ts';
import { each } from './each.ts';

export function killCommand(context: Context): Command {
  return new Command('kill')
    .description('Sends a signal to the first process of running containers.')
    .argument('<container...>')
    .option('-s, --signal <signal>', 'name or number', 'KILL')
    .action(async (names: string[], options: { signal: string }, command: Command) => {
      const client = await connect(context, command);
      await each(context.io, names, async (name) => {
        await client.json('POST', containerPath(name, '/kill'), { query: { signal: options.signal } });
        return name;
      });
    });
}
