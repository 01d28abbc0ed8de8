import { Command } from 'commander';
import { type Context, connect } from '../../context.ts';
import { volumePath } from '../../paths.ts';
import { each } from '../each.ts';

export function volumeRemoveCommand(context: Context): Command {
  return new Command('rm')
    .alias('remove')
    .description('Removes volumes that no container has, and all that is in them.')
    .argument('<volume...>')
    .option('-f, --force', 'say nothing of those that are not there')
    .action(async (names: string[], { force }: { force?: boolean }, command: Command) => {
      const client = await connect(context, command);
      await each(context.io, names, async (name) => {
        await client.json('DELETE', volumePath(name), { query: { force } });
        return name;
      });
    });
}
