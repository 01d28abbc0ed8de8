import { Command } from 'commander';
import type { Context } from '../context.ts';
import { volumeCreateCommand } from './volume/create.ts';
import { volumeInspectCommand } from './volume/inspect.ts';
import { volumeListCommand } from './volume/ls.ts';
import { volumePruneCommand } from './volume/prune.ts';
import { volumeRemoveCommand } from './volume/rm.ts';

/** Docker's `volume`. */
export function volumeCommand(context: Context): Command {
  const makers = [volumeCreateCommand, volumeListCommand, volumeInspectCommand, volumeRemoveCommand, volumePruneCommand];
  const command = new Command('volume').description('Directories of nodes that outlive their containers.').helpCommand(false);
  for (const make of makers) command.addCommand(make(context));
  return command;
}
