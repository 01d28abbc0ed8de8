import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { containerPath } from '../paths.ts';
import { each } from './each.ts';
import { integer } from './options.ts';
import { MOST_SECONDS } from './stop.ts';

export function restartCommand(context: Context): Command {
  return new Command('restart')
    .description('Stops containers as stop does, those that run, and starts them again, each on the node it belongs to.')
    .argument('<container...>')
    .option('-t, --time <seconds>', 'how long to wait before KILL (the container’s own, else 10)', integer(-1, MOST_SECONDS))
    .option('-s, --signal <signal>', 'the signal, instead of the container’s own')
    .action(async (names: string[], options: { time?: number; signal?: string }, command: Command) => {
      const client = await connect(context, command);
      await each(context.io, names, async (name) => {
        await client.json('POST', containerPath(name, '/restart'), { query: { t: options.time, signal: options.signal } });
        return name;
      });
    });
}
