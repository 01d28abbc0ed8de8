import { Command } from 'commander';
import type { ImageSummary } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { renderList } from '../format/list.ts';
import { imageRows, imageView } from '../views/image-view.ts';
import { warnUnreachable } from '../warnings.ts';
import { filters } from './filters.ts';
import { collect } from './options.ts';

interface Options {
  all?: boolean;
  quiet?: boolean;
  trunc: boolean;
  digests?: boolean;
  format?: string;
  filter?: readonly string[];
}

export function imagesCommand(context: Context): Command {
  return new Command('images')
    .description('Lists the images of all nodes.')
    .argument('[reference]', 'only this repository, or repository:tag')
    .option('-a, --all', 'as Docker; there are no hidden ones here')
    .option('-q, --quiet', 'only ids')
    .option('--no-trunc', 'whole ids')
    .option('--digests', 'with digests')
    .option('--format <format>', 'table, json, or a template: {{.Repository}}:{{.Tag}}')
    .option('-f, --filter <key=value>', 'only some: reference, label, dangling …', collect)
    .action(async (reference: string | undefined, options: Options, command: Command) => {
      const client = await connect(context, command);
      const wanted = [...(options.filter ?? []), ...(reference === undefined ? [] : [`reference=${reference}`])];
      const { value, headers } = await client.json<ImageSummary[]>('GET', '/images/json', {
        query: { all: options.all, digests: options.digests, filters: filters(wanted) },
      });
      const view = imageView({ trunc: options.trunc, digests: options.digests ?? false, nowMs: Date.now() });
      const format = options.quiet === true ? '{{.ID}}' : options.format;
      context.io.stdout.write(renderList(imageRows(value), view, format));
      warnUnreachable(context.io, headers, 'images');
    });
}
