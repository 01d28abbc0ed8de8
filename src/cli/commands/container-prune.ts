import { Command } from 'commander';
import type { Context } from '../context.ts';
import { addPruneOptions, prune, type PruneOptions } from './prune.ts';
import { pruneContainers } from './prune-kinds.ts';

export function containerPruneCommand(context: Context): Command {
  const command = new Command('prune').description('Removes all containers that do not run, of all nodes.');
  return addPruneOptions(command).action(async (options: PruneOptions, own: Command) => {
    await prune(context, own, 'all stopped containers', options, async (client, filters) => [await pruneContainers(client, filters)]);
  });
}
