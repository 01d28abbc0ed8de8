import { Command } from 'commander';
import type { ContainerInspect } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { Failure } from '../failure.ts';
import { copyFrames, copyRaw } from '../run/copy-frames.ts';
import { parseMoment } from '../parse/moment.ts';
import { containerPath } from '../paths.ts';
import { value } from './options.ts';

interface Options {
  follow?: boolean;
  tail: string;
  timestamps?: boolean;
  since?: string;
  until?: string;
  details?: boolean;
}

export function logsCommand(context: Context): Command {
  const moment = value((text: string) => parseMoment(text, Date.now()));
  return new Command('logs')
    .description("Shows a container's output: its stdout on ours, its stderr on ours.")
    .argument('<container>')
    .option('-f, --follow', 'go on until it ends')
    .option('-n, --tail <lines>', 'only the last lines', 'all')
    .option('-t, --timestamps', 'with the time of each line')
    .option('--since <time>', 'from then on: 10m (ago), 2026-01-31T12:00:00Z', moment)
    .option('--until <time>', 'up to then', moment)
    .option('--details', 'with what --log-opt labels=… and env=… name before each line')
    .action(async (name: string, options: Options, command: Command) => {
      if (options.tail !== 'all' && !/^\d{1,9}$/.test(options.tail)) {
        throw new Failure(`--tail takes a number of lines or all, got ${JSON.stringify(options.tail)}`);
      }
      const client = await connect(context, command);
      const { value: container } = await client.json<ContainerInspect>('GET', containerPath(name, '/json'));
      const stream = await client.stream('GET', containerPath(container.Id, '/logs'), {
        query: {
          stdout: true,
          stderr: true,
          follow: options.follow,
          tail: options.tail,
          timestamps: options.timestamps,
          since: options.since,
          until: options.until,
          details: options.details,
        },
      });
      // With a terminal there is one stream, as it is; without, frames say which is which.
      await (container.Config.Tty ? copyRaw : copyFrames)(stream, context.io);
    });
}
