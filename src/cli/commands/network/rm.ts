import { Command } from 'commander';
import { ApiError } from '../../../docker-api/errors.ts';
import { type Context, connect } from '../../context.ts';
import { networkPath } from '../../paths.ts';
import { each } from '../each.ts';

export function networkRemoveCommand(context: Context): Command {
  return new Command('rm')
    .alias('remove')
    .description('Removes networks that no container is on.')
    .argument('<network...>', 'names or ids')
    .option('-f, --force', 'say nothing of those that are not there')
    .action(async (names: string[], options: { force?: boolean }, command: Command) => {
      const client = await connect(context, command);
      await each(context.io, names, async (name) => {
        try {
          await client.json('DELETE', networkPath(name));
        } catch (error) {
          if (options.force === true && error instanceof ApiError && error.status === 404) return undefined;
          throw error;
        }
        return name;
      });
    });
}
