import { Command } from 'commander';
import type { Context } from '../../context.ts';
import { addPruneOptions, prune, type PruneOptions } from '../prune.ts';
import { pruneContainers, pruneImages, pruneNetworks, pruneVolumes } from '../prune-kinds.ts';

interface Options extends PruneOptions {
  readonly all?: boolean;
  readonly volumes?: boolean;
}

export function systemPruneCommand(context: Context): Command {
  const command = new Command('prune')
    .description('Removes what is not used any more: stopped containers, networks, images without a name; of all nodes.')
    .option('-a, --all', 'also images with a name that no container uses')
    .option('--volumes', 'also volumes that nobody named');
  return addPruneOptions(command).action(async (options: Options, own: Command) => {
    const { all = false, volumes = false } = options;
    await prune(context, own, whatOf(all, volumes), options, async (client, filters) => {
      // In this order: what a container that goes was the last to use goes with it.
      const done = [await pruneContainers(client, filters), await pruneNetworks(client, filters)];
      // Volumes have no time by which they could be chosen, as Docker's client has it, too.
      const { until: _until, ...withoutTime } = filters;
      if (volumes) done.push(await pruneVolumes(client, withoutTime, false));
      return [...done, await pruneImages(client, filters, all)];
    });
  });
}

const whatOf = (all: boolean, volumes: boolean): readonly string[] => [
  'all stopped containers',
  'all networks not used by at least one container',
  ...(volumes ? ['all anonymous volumes not used by at least one container'] : []),
  all ? 'all images without at least one container associated to them' : 'all dangling images',
];
