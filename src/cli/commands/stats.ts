import { Command } from 'commander';
import type { Client } from '../../docker-api/client.ts';
import { type Context, connect } from '../context.ts';
import { EXIT, Failure, sentence } from '../failure.ts';
import { renderList } from '../format/list.ts';
import { liveTable, MOST_WATCHED } from '../stats/live-table.ts';
import { listedSubjects, namedSubjects } from '../stats/subjects.ts';
import { lookAt, type Subject } from '../stats/watched.ts';
import { type StatsRow, statsView } from '../views/stats-view.ts';

interface Options {
  readonly all?: boolean;
  readonly format?: string;
  readonly stream: boolean;
  readonly trunc: boolean;
}

export function statsCommand(context: Context): Command {
  return new Command('stats')
    .description('Shows what containers use of CPU, memory, network and disks, on all nodes, again and again.')
    .argument('[container...]', 'those that run where none is named')
    .option('-a, --all', 'also those that do not run')
    .option('--format <format>', 'table, wide (with the node), json, or a template: {{.Name}} {{.CPUPerc}}')
    .option('--no-stream', 'only once')
    .option('--no-trunc', 'whole ids')
    .action(async (names: string[], options: Options, command: Command) => {
      const { io } = context;
      const { all = false, trunc } = options;
      const wide = options.format === 'wide';
      const format = wide ? undefined : options.format;
      const render = (rows: readonly StatsRow[]): string => renderList(rows, statsView({ trunc, wide }), format);
      // A template that can't be read is told before anything is asked.
      render([]);
      const client = await connect(context, command);
      const list = async (): Promise<Subject[]> => bounded(await listedSubjects(client, io, all));
      const named = names.length === 0 ? undefined : bounded(await namedSubjects(client, names));
      if (options.stream) await liveTable(client, io, { named, list, all, render });
      else await once(context, client, named ?? (await list()), render);
    });
}

async function once(
  { io }: Context,
  client: Client,
  subjects: readonly Subject[],
  render: (rows: readonly StatsRow[]) => string,
): Promise<void> {
  const looks = await Promise.allSettled(subjects.map((subject) => lookAt(client, subject)));
  io.stdout.write(render(looks.flatMap((look) => (look.status === 'fulfilled' ? [look.value] : []))));
  let failed = 0;
  for (const look of looks) {
    if (look.status === 'fulfilled') continue;
    const why = sentence(look.reason);
    if (why === undefined) throw look.reason;
    io.stderr.write(`caravela: ${why}\n`);
    failed++;
  }
  if (failed > 0) throw new Failure('', EXIT.failed);
}

function bounded(subjects: readonly Subject[]): Subject[] {
  if (subjects.length > MOST_WATCHED)
    throw new Failure(`${subjects.length} containers are more than the ${MOST_WATCHED} that stats shows at once: name some`);
  return [...subjects];
}
