import { Command } from 'commander';
import type { NodeRow } from '../../docker-api/caravela-types.ts';
import { type Context, connect } from '../context.ts';
import { renderList } from '../format/list.ts';
import { nodeView } from '../views/node-view.ts';
import { warnUnreachable } from '../warnings.ts';
import { nodesRemoveCommand } from './nodes-rm.ts';

interface Options {
  quiet?: boolean;
  trunc: boolean;
  format?: string;
}

export function nodesCommand(context: Context): Command {
  return (
    new Command('nodes')
      .description('Lists the nodes of the instance, with what is reserved on each of what it offers.')
      // `nodes ls` is what Docker's `node ls` makes people type.
      .addCommand(nodesRemoveCommand(context))
      .helpCommand(false)
      .argument('[ls]', 'may be said, means nothing')
      .option('-q, --quiet', 'only ids')
      .option('--no-trunc', 'whole ids')
      .option('--format <format>', 'table, json, or a template: {{.Name}} {{.Memory}}')
      .action(async (word: string | undefined, options: Options, command: Command) => {
        if (word !== undefined && word !== 'ls') command.error(`error: ${JSON.stringify(word)} is none of ls`);
        const client = await connect(context, command);
        const { value, headers } = await client.json<NodeRow[]>('GET', '/caravela/v1/nodes');
        const rows = value.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
        const format = options.quiet === true ? '{{.ID}}' : options.format;
        context.io.stdout.write(renderList(rows, nodeView({ trunc: options.trunc }), format));
        warnUnreachable(context.io, headers, 'figures');
      })
  );
}
