import { Command } from 'commander';
import type { Context } from '../context.ts';
import { addPruneOptions, prune, type PruneOptions } from './prune.ts';
import { pruneImages } from './prune-kinds.ts';

interface Options extends PruneOptions {
  readonly all?: boolean;
}

export function imagePruneCommand(context: Context): Command {
  const command = new Command('prune')
    .description('Removes images without a name, on all nodes.')
    .option('-a, --all', 'also those with a name that no container uses');
  return addPruneOptions(command).action(async (options: Options, own: Command) => {
    const { all = false } = options;
    const what = all ? 'all images without at least one container associated to them' : 'all dangling images';
    await prune(context, own, what, options, async (client, filters) => [await pruneImages(client, filters, all)]);
  });
}
