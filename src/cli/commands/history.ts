import { Command } from 'commander';
import type { HistoryRow } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { renderList } from '../format/list.ts';
import { imagePath } from '../paths.ts';
import { historyView } from '../views/history-view.ts';

interface Options {
  readonly format?: string;
  readonly human: boolean;
  readonly trunc: boolean;
  readonly quiet?: boolean;
}

export function historyCommand(context: Context): Command {
  return new Command('history')
    .description('Shows the steps that an image was built by, the newest first.')
    .argument('<image>')
    .option('--format <format>', 'table, json, or a template: {{.CreatedBy}}')
    .option('-H, --human', 'sizes and times for people', true)
    .option('--no-human', 'sizes in bytes, times as dates')
    .option('--no-trunc', 'whole ids and commands')
    .option('-q, --quiet', 'only ids')
    .action(async (image: string, options: Options, command: Command) => {
      const client = await connect(context, command);
      const { value } = await client.json<HistoryRow[]>('GET', imagePath(image, '/history'));
      const view = historyView({ human: options.human, trunc: options.trunc, nowMs: Date.now() });
      context.io.stdout.write(renderList(value, view, options.quiet === true ? '{{.ID}}' : options.format));
    });
}
