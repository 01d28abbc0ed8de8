import { Command } from 'commander';
import type { ContainerSummary } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { renderList } from '../format/list.ts';
import { containerView } from '../views/container-view.ts';
import { warnUnreachable } from '../warnings.ts';
import { filters } from './filters.ts';
import { collect, integer } from './options.ts';

interface Options {
  all?: boolean;
  quiet?: boolean;
  trunc: boolean;
  format?: string;
  filter?: readonly string[];
  last?: number;
  latest?: boolean;
  size?: boolean;
}

export function psCommand(context: Context): Command {
  return new Command('ps')
    .description('Lists the running containers of all nodes.')
    .option('-a, --all', 'also those that do not run')
    .option('-q, --quiet', 'only ids')
    .option('--no-trunc', 'whole ids and commands')
    .option('--format <format>', 'table, json, or a template: {{.Names}} {{.Node}}')
    .option('-f, --filter <key=value>', 'only some: name, id, label, status, ancestor …', collect)
    .option('-n, --last <n>', 'the n newest, whatever their state', integer(-1, 1_000_000))
    .option('-l, --latest', 'the newest, whatever its state')
    .option('-s, --size', 'with what they take on disks')
    .action(async (options: Options, command: Command) => {
      const client = await connect(context, command);
      const last = options.latest === true ? 1 : options.last;
      const { value, headers } = await client.json<ContainerSummary[]>('GET', '/containers/json', {
        query: {
          all: options.all,
          limit: last !== undefined && last > 0 ? last : undefined,
          size: options.size,
          filters: filters(options.filter),
        },
      });
      const view = containerView({ trunc: options.trunc, size: options.size ?? false, nowMs: Date.now() });
      const format = options.quiet === true ? '{{.ID}}' : options.format;
      context.io.stdout.write(renderList(value, view, format));
      warnUnreachable(context.io, headers, 'containers');
    });
}
