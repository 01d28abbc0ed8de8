import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { containerPath } from '../paths.ts';
import { each } from './each.ts';
import { integer } from './options.ts';

export const MOST_SECONDS = 365 * 24 * 3_600;

export function stopCommand(context: Context): Command {
  return new Command('stop')
    .description("Sends containers their stop signal, and KILL to those that haven't ended in time.")
    .argument('<container...>')
    .option('-t, --time <seconds>', 'how long to wait before KILL (the container’s own, else 10)', integer(-1, MOST_SECONDS))
    .option('-s, --signal <signal>', 'the signal, instead of the container’s own')
    .action(async (names: string[], options: { time?: number; signal?: string }, command: Command) => {
      const client = await connect(context, command);
      await each(context.io, names, async (name) => {
        await client.json('POST', containerPath(name, '/stop'), { query: { t: options.time, signal: options.signal } });
        return name;
      });
    });
}
