import { Command } from 'commander';
import type { VolumeCreateBody, VolumeRow } from '../../../docker-api/types.ts';
import { type Context, connect } from '../../context.ts';
import { parseLabels } from '../../parse/assignments.ts';
import { collect } from '../options.ts';

interface Options {
  readonly driver?: string;
  readonly label?: readonly string[];
  readonly opt?: readonly string[];
}

export function volumeCreateCommand(context: Context): Command {
  return new Command('create')
    .description('Makes a volume on the node that was asked; containers that use it go there. Prints its name.')
    .argument('[name]', 'unique in the instance; drawn where none is said')
    .option('-d, --driver <driver>', 'local is all there is')
    .option('--label <key=value>', 'a label', collect)
    .option('-o, --opt <key=value>', 'an option of the driver', collect)
    .action(async (name: string | undefined, { driver, label = [], opt = [] }: Options, command: Command) => {
      const body: VolumeCreateBody = {
        ...(name === undefined ? {} : { Name: name }),
        ...(driver === undefined ? {} : { Driver: driver }),
        DriverOpts: parseLabels(opt),
        Labels: parseLabels(label),
      };
      const client = await connect(context, command);
      const { value } = await client.json<VolumeRow>('POST', '/volumes/create', { body });
      context.io.stdout.write(`${value.Name}\n`);
    });
}
