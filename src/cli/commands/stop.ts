import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { containerPath } from '../paths.ts';
import { each } from './each.ts';
import { integer } from './options.ts';

const MOST_SECONDS = 365 * 24 * 3_600;

export function stopCommand(context: Context): Command {
  return stopping(context, 'stop', "Sends containers their stop signal, and KILL to those that haven't ended in time.");
}

/** Stops what runs of them first. */
export function restartCommand(context: Context): Command {
  return stopping(
    context,
    'restart',
    'Stops containers as stop does, those that run, and starts them again, each on the node it belongs to.',
  );
}

function stopping(context: Context, verb: 'stop' | 'restart', description: string): Command {
  return new Command(verb)
    .description(description)
    .argument('<container...>')
    .option('-t, --time <seconds>', 'how long to wait before KILL (the container’s own, else 10)', integer(-1, MOST_SECONDS))
    .option('-s, --signal <signal>', 'the signal, instead of the container’s own')
    .action(async (names: string[], options: { time?: number; signal?: string }, command: Command) => {
      const client = await connect(context, command);
      await each(context.io, names, async (name) => {
        await client.json('POST', containerPath(name, `/${verb}`), { query: { t: options.time, signal: options.signal } });
        return name;
      });
    });
}
