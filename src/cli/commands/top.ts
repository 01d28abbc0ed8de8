import { Command } from 'commander';
import type { TopAnswer } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { table } from '../format/table.ts';
import { containerPath } from '../paths.ts';

export function topCommand(context: Context): Command {
  return new Command('top')
    .description('Shows the processes of a running container, by ps on its node.')
    .passThroughOptions()
    .argument('<container>')
    .argument('[ps options...]', 'what ps is to show: aux, -o pid,comm')
    .usage('CONTAINER [ps OPTIONS]')
    .action(async (name: string, words: string[], _options: object, command: Command) => {
      const client = await connect(context, command);
      const { value } = await client.json<TopAnswer>('GET', containerPath(name, '/top'), {
        query: { ps_args: words.length === 0 ? undefined : words.join(' ') },
      });
      context.io.stdout.write(table([value.Titles, ...value.Processes]));
    });
}
