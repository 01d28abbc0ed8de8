import { Command } from 'commander';
import type { Context } from '../context.ts';
import { Failure } from '../failure.ts';
import { bringUpJoin } from '../node/bring-up.ts';
import { addNodeOptions, machineIp, type NodeOptions } from '../node/node-options.ts';

export function joinCommand(context: Context): Command {
  const command = new Command('join')
    .description('Joins an instance through any of its nodes, and starts. CARAVELA_TOKEN is the token where --token is not given.')
    .usage('[options] [MACHINE_IP] BOOTSTRAP_IP[:PORT]')
    .argument('<addresses...>', 'this machine’s address (found out where it is left out), then that of a node of the instance')
    .option('--token <token>', 'a join token: `caravela token create` on a node makes one; an open instance needs none');
  return addNodeOptions(command).action(async (addresses: string[], options: NodeOptions, own: Command) => {
    const [first = '', second, more] = addresses;
    if (more !== undefined)
      throw new Failure(`join takes this machine's address and that of a node of the instance, got ${addresses.length} addresses`);
    const machine = second === undefined ? undefined : machineIp(first);
    await bringUpJoin(context, own, options, machine, second ?? first);
  });
}
