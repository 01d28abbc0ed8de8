import { Command } from 'commander';
import { type Context, connect } from '../../context.ts';
import { volumePath } from '../../paths.ts';
import { inspectEach, renderOf } from '../inspect-each.ts';

export function volumeInspectCommand(context: Context): Command {
  return new Command('inspect')
    .description('Shows all facts of volumes as JSON.')
    .argument('<volume...>')
    .option('-f, --format <template>', 'json, or a template: {{.Mountpoint}}')
    .action(async (names: string[], options: { format?: string }, command: Command) => {
      const render = renderOf(options.format);
      const client = await connect(context, command);
      await inspectEach(context.io, names, render, async (name) => (await client.json('GET', volumePath(name))).value);
    });
}
