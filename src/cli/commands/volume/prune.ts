import { Command } from 'commander';
import type { Context } from '../../context.ts';
import { addPruneOptions, prune, type PruneOptions } from '../prune.ts';
import { pruneVolumes } from '../prune-kinds.ts';

interface Options extends PruneOptions {
  readonly all?: boolean;
}

export function volumePruneCommand(context: Context): Command {
  const command = new Command('prune')
    .description('Removes volumes that nobody named and no container has, of all nodes.')
    .option('-a, --all', 'also those with a name');
  return addPruneOptions(command, 'label=KEY, label!=KEY').action(async (options: Options, own: Command) => {
    const { all = false } = options;
    const what = `${all ? 'all' : 'anonymous'} local volumes not used by at least one container`;
    await prune(context, own, what, options, async (client, filters) => [await pruneVolumes(client, filters, all)]);
  });
}
