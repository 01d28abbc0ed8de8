import { Command } from 'commander';
import type { Context } from '../../context.ts';
import { addPruneOptions, prune, type PruneOptions } from '../prune.ts';
import { pruneNetworks } from '../prune-kinds.ts';

export function networkPruneCommand(context: Context): Command {
  const command = new Command('prune').description('Removes all networks that no container is on.');
  return addPruneOptions(command).action(async (options: PruneOptions, own: Command) => {
    const what = 'all custom networks not used by at least one container';
    await prune(context, own, what, options, async (client, filters) => [await pruneNetworks(client, filters)]);
  });
}
