import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { saveStream } from '../files/save-stream.ts';

export function saveCommand(context: Context): Command {
  return new Command('save')
    .description('Writes images as an archive, which `caravela load` and `docker load` read.')
    .argument('<image...>')
    .option('-o, --output <file>', 'to this file instead of to stdout')
    .action(async (images: string[], options: { output?: string }, command: Command) => {
      const client = await connect(context, command);
      await saveStream(context.io, options.output, (signal) => client.stream('GET', '/images/get', { query: { names: images }, signal }));
    });
}
