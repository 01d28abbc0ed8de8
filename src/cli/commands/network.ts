import { Command } from 'commander';
import type { Context } from '../context.ts';
import { networkConnectCommand } from './network/connect.ts';
import { networkCreateCommand } from './network/create.ts';
import { networkDisconnectCommand } from './network/disconnect.ts';
import { networkDoctorCommand } from './network/doctor.ts';
import { networkInspectCommand } from './network/inspect.ts';
import { networkListCommand } from './network/ls.ts';
import { networkPruneCommand } from './network/prune.ts';
import { networkRemoveCommand } from './network/rm.ts';

/** Docker's `network`, and a doctor. */
export function networkCommand(context: Context): Command {
  const makers = [
    networkCreateCommand,
    networkListCommand,
    networkInspectCommand,
    networkConnectCommand,
    networkDisconnectCommand,
    networkRemoveCommand,
    networkPruneCommand,
    networkDoctorCommand,
  ];
  const command = new Command('network').description('Networks that span the nodes of the instance.').helpCommand(false);
  for (const make of makers) command.addCommand(make(context));
  return command;
}
