import { Command } from 'commander';
import { type Context, connect } from '../../context.ts';
import { networkPath } from '../../paths.ts';
import { warnUnreachable } from '../../warnings.ts';
import { inspectEach, renderOf } from '../inspect-each.ts';

export function networkInspectCommand(context: Context): Command {
  return new Command('inspect')
    .description('Shows all facts of networks as JSON: subnet, VNI, blocks of addresses by node, and the containers on all nodes.')
    .argument('<network...>', 'names or ids')
    .option('-f, --format <template>', 'json, or a template: {{range .Containers}}{{.Name}} {{end}}')
    .option('-v, --verbose', 'as Docker; all is told without it')
    .action(async (names: string[], options: { format?: string; verbose?: boolean }, command: Command) => {
      const render = renderOf(options.format);
      const client = await connect(context, command);
      await inspectEach(context.io, names, render, async (name) => {
        const { value, headers } = await client.json('GET', networkPath(name), { query: { verbose: options.verbose } });
        warnUnreachable(context.io, headers, 'containers');
        return value;
      });
    });
}
