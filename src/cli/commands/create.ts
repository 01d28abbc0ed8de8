import { isIP } from 'node:net';
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { Failure } from '../failure.ts';
import { bringUpCreate } from '../node/bring-up.ts';
import { addInstanceOptions, addNodeOptions, type NodeOptions } from '../node/node-options.ts';

export function createCommand(context: Context): Command {
  const command = new Command('create')
    .description('Makes an instance with this machine as its first node, starts it, and says how others join.')
    .argument('[machine-ip]', 'the address of this machine that others reach (found out where there is one)');
  return addInstanceOptions(addNodeOptions(command)).action(async (machine: string | undefined, options: NodeOptions, own: Command) => {
    if (machine !== undefined && isIP(machine) === 0) {
      throw new Failure(
        `${JSON.stringify(machine)} is not an IP address of this machine; to place a container, write \`caravela container create\``,
      );
    }
    await bringUpCreate(context, own, options, machine);
  });
}
