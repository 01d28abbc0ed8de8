import { Command } from 'commander';
import type { SearchRow } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { tryAuthHeadersFor } from '../credentials/auth-header.ts';
import { renderList, type View } from '../format/list.ts';
import { filters } from './filters.ts';
import { collect, integer } from './options.ts';

interface Options {
  readonly filter?: readonly string[];
  readonly format?: string;
  readonly limit?: number;
  readonly trunc: boolean;
}

const DESCRIPTION_CHARACTERS = 45;

export function searchCommand(context: Context): Command {
  return new Command('search')
    .description('Looks for images at Docker Hub.')
    .argument('<term>')
    .option('-f, --filter <key=value>', 'only some: stars=3, is-official=true', collect)
    .option('--format <format>', 'table, json, or a template: {{.Name}}')
    .option('--limit <n>', 'at most so many', integer(1, 100))
    .option('--no-trunc', 'whole descriptions')
    .action(async (term: string, options: Options, command: Command) => {
      const client = await connect(context, command);
      const { value } = await client.json<SearchRow[]>('GET', '/images/search', {
        query: { term, limit: options.limit, filters: filters(options.filter) },
        headers: await tryAuthHeadersFor(context.io, term),
      });
      const rows = value.toSorted((a, b) => b.star_count - a.star_count);
      context.io.stdout.write(renderList(rows, searchView(options.trunc), options.format));
    });
}

const searchView = (trunc: boolean): View<SearchRow> => ({
  columns: ['Name', 'Description', 'StarCount', 'IsOfficial'],
  titles: { Name: 'NAME', Description: 'DESCRIPTION', StarCount: 'STARS', IsOfficial: 'OFFICIAL' },
  fields: ({ name, description, star_count, is_official }) => {
    const text = description.replace(/[\r\n]+/g, ' ');
    return {
      Name: name,
      Description: trunc && text.length > DESCRIPTION_CHARACTERS ? `${text.slice(0, DESCRIPTION_CHARACTERS - 1)}…` : text,
      StarCount: String(star_count),
      IsOfficial: is_official ? '[OK]' : '',
    };
  },
});
