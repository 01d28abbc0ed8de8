import { Command } from 'commander';
import type { RemovedNodeRow } from '../../docker-api/caravela-types.ts';
import { type Context, connect } from '../context.ts';
import { each } from './each.ts';

/** Shuts a node out of the instance for good. */
export function nodesRemoveCommand(context: Context): Command {
  return new Command('rm')
    .alias('remove')
    .description(
      'Removes nodes that are gone: their certificates are worth nothing any more, their names and addresses are free. A node that is alive says `caravela leave` itself.',
    )
    .argument('<node...>', 'names or ids')
    .option('-f, --force', 'also one that is alive: it is shut out as it is')
    .action(async (names: string[], options: { force?: boolean }, command: Command) => {
      const client = await connect(context, command);
      await each(context.io, names, async (name) => {
        const path = `/caravela/v1/nodes/${encodeURIComponent(name)}`;
        const { value } = await client.json<RemovedNodeRow>('DELETE', path, { query: { force: options.force ?? false } });
        return value.name;
      });
    });
}
