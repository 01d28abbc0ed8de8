import { Command } from 'commander';
import type { ImageDeleteItem } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { imagePath } from '../paths.ts';
import { warnUnreachable } from '../warnings.ts';
import { each } from './each.ts';

export function rmiCommand(context: Context): Command {
  return new Command('rmi')
    .description('Untags images, and deletes them where no tag is left, on all nodes.')
    .argument('<image...>')
    .option('-f, --force', 'also where stopped containers use them')
    .option('--no-prune', 'as Docker; here untagged parents do not exist')
    .action(async (names: string[], options: { force?: boolean; prune: boolean }, command: Command) => {
      const client = await connect(context, command);
      await each(context.io, names, async (name) => {
        const { value, headers } = await client.json<ImageDeleteItem[]>('DELETE', imagePath(name), {
          query: { force: options.force, noprune: !options.prune },
        });
        warnUnreachable(context.io, headers, 'copies');
        return value
          .map((item) => (item.Untagged === undefined ? `Deleted: ${item.Deleted ?? ''}` : `Untagged: ${item.Untagged}`))
          .join('\n');
      });
    });
}
