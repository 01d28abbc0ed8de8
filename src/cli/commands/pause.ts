import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { containerPath } from '../paths.ts';
import { each } from './each.ts';

export function pauseCommand(context: Context): Command {
  return pausing(context, 'pause', 'Keeps all processes of running containers from running, until unpause.');
}

export function unpauseCommand(context: Context): Command {
  return pausing(context, 'unpause', 'Lets paused containers run on.');
}

function pausing(context: Context, verb: 'pause' | 'unpause', description: string): Command {
  return new Command(verb)
    .description(description)
    .argument('<container...>')
    .action(async (names: string[], _options: object, command: Command) => {
      const client = await connect(context, command);
      await each(context.io, names, async (name) => {
        await client.json('POST', containerPath(name, `/${verb}`));
        return name;
      });
    });
}
