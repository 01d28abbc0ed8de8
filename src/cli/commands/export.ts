import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { saveStream } from '../files/save-stream.ts';
import { containerPath } from '../paths.ts';

export function exportCommand(context: Context): Command {
  return new Command('export')
    .description("Writes a container's file system as a tar archive, without what is mounted in it.")
    .argument('<container>')
    .option('-o, --output <file>', 'to this file instead of to stdout')
    .action(async (name: string, options: { output?: string }, command: Command) => {
      const client = await connect(context, command);
      await saveStream(context.io, options.output, (signal) => client.stream('GET', containerPath(name, '/export'), { signal }));
    });
}
