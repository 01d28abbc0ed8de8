import { Command } from 'commander';
import type { WaitResponse } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { containerPath } from '../paths.ts';
import { each } from './each.ts';

export function waitCommand(context: Context): Command {
  return new Command('wait')
    .description('Waits until containers have stopped and prints their exit codes.')
    .argument('<container...>')
    .action(async (names: string[], _options: object, command: Command) => {
      const client = await connect(context, command);
      await each(context.io, names, async (name) => {
        const { value } = await client.json<WaitResponse>('POST', containerPath(name, '/wait'));
        return String(value.StatusCode);
      });
    });
}
