import { Command } from 'commander';
import type { NetworkRow } from '../../../docker-api/types.ts';
import { type Context, connect } from '../../context.ts';
import { renderList } from '../../format/list.ts';
import { networkView } from '../../views/network-view.ts';
import { warnUnreachable } from '../../warnings.ts';
import { filters } from '../filters.ts';
import { collect } from '../options.ts';

interface Options {
  readonly quiet?: boolean;
  readonly trunc: boolean;
  readonly format?: string;
  readonly filter?: readonly string[];
}

export function networkListCommand(context: Context): Command {
  return new Command('ls')
    .alias('list')
    .description('Lists networks.')
    .option('-q, --quiet', 'only ids')
    .option('--no-trunc', 'whole ids')
    .option('--format <format>', 'table, json, or a template: {{.Name}} {{.Subnet}}')
    .option('-f, --filter <key=value>', 'only some: name, id, label, driver, scope, type, dangling', collect)
    .action(async (options: Options, command: Command) => {
      const client = await connect(context, command);
      const { value, headers } = await client.json<NetworkRow[]>('GET', '/networks', { query: { filters: filters(options.filter) } });
      const rows = value.toSorted((a, b) => (a.Name < b.Name ? -1 : a.Name > b.Name ? 1 : 0));
      const format = options.quiet === true ? '{{.ID}}' : options.format;
      context.io.stdout.write(renderList(rows, networkView({ trunc: options.trunc }), format));
      warnUnreachable(context.io, headers, 'containers');
    });
}
