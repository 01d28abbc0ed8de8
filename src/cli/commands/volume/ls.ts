import { Command } from 'commander';
import type { VolumeList } from '../../../docker-api/types.ts';
import { type Context, connect } from '../../context.ts';
import { renderList } from '../../format/list.ts';
import { volumeView } from '../../views/volume-view.ts';
import { warnUnreachable } from '../../warnings.ts';
import { filters } from '../filters.ts';
import { collect } from '../options.ts';

interface Options {
  readonly quiet?: boolean;
  readonly format?: string;
  readonly filter?: readonly string[];
}

export function volumeListCommand(context: Context): Command {
  return new Command('ls')
    .alias('list')
    .description('Lists the volumes of all nodes.')
    .option('-q, --quiet', 'only names')
    .option('--format <format>', 'table, json, or a template: {{.Name}} {{.Node}}')
    .option('-f, --filter <key=value>', 'only some: name, label, dangling, driver', collect)
    .action(async (options: Options, command: Command) => {
      const client = await connect(context, command);
      const { value, headers } = await client.json<VolumeList>('GET', '/volumes', { query: { filters: filters(options.filter) } });
      const rows = (value.Volumes ?? []).toSorted((a, b) => (a.Name < b.Name ? -1 : a.Name > b.Name ? 1 : 0));
      context.io.stdout.write(renderList(rows, volumeView(), options.quiet === true ? '{{.Name}}' : options.format));
      for (const warning of value.Warnings ?? []) context.io.stderr.write(`warning: ${warning}\n`);
      warnUnreachable(context.io, headers, 'volumes');
    });
}
