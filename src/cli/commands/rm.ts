import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { containerPath } from '../paths.ts';
import { each } from './each.ts';

export function rmCommand(context: Context): Command {
  return new Command('rm')
    .description('Removes containers with all they hold on their node.')
    .argument('<container...>')
    .option('-f, --force', 'also running ones: they are killed first')
    .option('-v, --volumes', 'with their anonymous volumes')
    .action(async (names: string[], options: { force?: boolean; volumes?: boolean }, command: Command) => {
      const client = await connect(context, command);
      await each(context.io, names, async (name) => {
        await client.json('DELETE', containerPath(name), { query: { force: options.force, v: options.volumes } });
        return name;
      });
    });
}
