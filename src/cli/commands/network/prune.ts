import { Command } from 'commander';
import { type Context, connect } from '../../context.ts';
import { confirm } from '../../confirm.ts';
import { filters } from '../filters.ts';
import { collect } from '../options.ts';

interface Options {
  readonly force?: boolean;
  readonly filter?: readonly string[];
}

export function networkPruneCommand(context: Context): Command {
  return new Command('prune')
    .description('Removes all networks that no container is on.')
    .option('-f, --force', 'without asking')
    .option('--filter <key=value>', 'only some: until=24h, label=KEY, label!=KEY', collect)
    .action(async (options: Options, command: Command) => {
      const { io } = context;
      const question =
        'WARNING! This will remove all custom networks not used by at least one container.\nAre you sure you want to continue?';
      if (options.force !== true && !(await confirm(io, question))) return;
      const client = await connect(context, command);
      const { value } = await client.json<{ NetworksDeleted: string[] | null }>('POST', '/networks/prune', {
        query: { filters: filters(options.filter) },
      });
      const removed = value.NetworksDeleted ?? [];
      if (removed.length > 0) io.stdout.write(`Deleted Networks:\n${removed.join('\n')}\n\n`);
    });
}
