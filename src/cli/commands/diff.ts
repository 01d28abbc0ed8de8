import { Command } from 'commander';
import { CHANGE_LETTERS, type ChangeRow } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { containerPath } from '../paths.ts';

export function diffCommand(context: Context): Command {
  return new Command('diff')
    .description("Shows what differs in a container's file system from its image: A added, C changed, D deleted.")
    .argument('<container>')
    .action(async (name: string, _options: object, command: Command) => {
      const client = await connect(context, command);
      const { value } = await client.json<ChangeRow[] | null>('GET', containerPath(name, '/changes'));
      context.io.stdout.write((value ?? []).map(({ Kind, Path }) => `${CHANGE_LETTERS[Kind] ?? '?'} ${Path}\n`).join(''));
    });
}
