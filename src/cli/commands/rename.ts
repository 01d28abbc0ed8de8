import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { containerPath } from '../paths.ts';

export function renameCommand(context: Context): Command {
  return new Command('rename')
    .description('Gives a container another name, unique in the instance.')
    .argument('<container>')
    .argument('<name>')
    .action(async (container: string, name: string, _options: object, command: Command) => {
      const client = await connect(context, command);
      await client.json('POST', containerPath(container, '/rename'), { query: { name } });
    });
}
