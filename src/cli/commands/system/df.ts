import { Command } from 'commander';
import type { DiskUsage } from '../../../docker-api/types.ts';
import { type Context, connect } from '../../context.ts';
import { Failure } from '../../failure.ts';
import { renderList } from '../../format/list.ts';
import { compileTemplate } from '../../format/template/evaluate.ts';
import { usageDetails, usageRows, usageView } from '../../views/usage-view.ts';
import { warnUnreachable } from '../../warnings.ts';

interface Options {
  readonly format?: string;
  readonly verbose?: boolean;
}

export function systemDfCommand(context: Context): Command {
  return new Command('df')
    .description('Shows what images, containers and volumes take on disks, of all nodes.')
    .option('--format <format>', 'table, json, or a template: {{.Type}} {{.Size}}')
    .option('-v, --verbose', 'each by itself')
    .action(async ({ format, verbose }: Options, command: Command) => {
      const client = await connect(context, command);
      const { value, headers } = await client.json<DiskUsage>('GET', '/system/df');
      const { stdout } = context.io;
      if (verbose !== true) stdout.write(renderList(usageRows(value), usageView(), format));
      else if (format === undefined || format === 'table') stdout.write(usageDetails(value, Date.now()));
      else if (format.startsWith('table')) throw new Failure('a table of -v has columns of its own: leave the template out');
      else stdout.write(`${format === 'json' ? JSON.stringify(value) : compileTemplate(format)(value)}\n`);
      warnUnreachable(context.io, headers, 'figures');
    });
}
