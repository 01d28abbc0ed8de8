import { Command } from 'commander';
import { jsonLines } from '../../docker-api/json-lines.ts';
import type { EventMessage } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { compileTemplate } from '../format/template/evaluate.ts';
import { write } from '../io.ts';
import { parseMoment } from '../parse/moment.ts';
import { eventLine } from '../views/event-line.ts';
import { filters } from './filters.ts';
import { collect, value } from './options.ts';

interface Options {
  readonly filter?: readonly string[];
  readonly format?: string;
  readonly since?: string;
  readonly until?: string;
}

export function eventsCommand(context: Context): Command {
  const moment = value((text: string) => parseMoment(text, Date.now()));
  return new Command('events')
    .description('Shows what happens to containers, images, networks, volumes and nodes of the instance, as it happens.')
    .option('-f, --filter <key=value>', 'only some: type, event, container, image, label, network, volume, node …', collect)
    .option('--format <format>', 'json, or a template: {{.Type}} {{.Action}} {{.Actor.ID}}')
    .option('--since <time>', 'from then on: 10m (ago), 2026-01-31T12:00:00Z', moment)
    .option('--until <time>', 'up to then', moment)
    .action(async ({ filter, format = '', since, until }: Options, command: Command) => {
      const render = format === '' ? eventLine : format === 'json' ? JSON.stringify : compileTemplate(format);
      const client = await connect(context, command);
      const stream = await client.stream('GET', '/events', { query: { since, until, filters: filters(filter) } });
      for await (const event of jsonLines<EventMessage>(stream)) await write(context.io.stdout, `${render(event)}\n`);
    });
}
