import { Command } from 'commander';
import { API_VERSION, type Version } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { table } from '../format/table.ts';
import { compileTemplate } from '../format/template/evaluate.ts';

export function versionCommand(context: Context): Command {
  return new Command('version')
    .description('Shows the versions of this client and of the daemon.')
    .option('-f, --format <format>', 'json, or a template: {{.Server.Version}}')
    .action(async (options: { format?: string }, command: Command) => {
      const { io, installation } = context;
      const own = {
        Version: installation.version,
        ApiVersion: API_VERSION,
        Node: process.version,
        Os: process.platform,
        Arch: process.arch,
      };
      const client = await connect(context, command);
      if (options.format === undefined) {
        // What we know is said also where no daemon answers.
        io.stdout.write(
          `Client:\n${rows([
            ['Version:', own.Version],
            ['API version:', own.ApiVersion],
            ['Node:', own.Node],
            ['OS/Arch:', `${own.Os}/${own.Arch}`],
          ])}`,
        );
      }
      const { value: server } = await client.json<Version>('GET', '/version');
      if (options.format === undefined) {
        const components = server.Components.map((c): [string, string] => [`${c.Name}:`, c.Version]);
        const facts: [string, string][] = [
          ['Version:', server.Version],
          ['API version:', `${server.ApiVersion} (minimum ${server.MinAPIVersion})`],
          ['OS/Arch:', `${server.Os}/${server.Arch}`],
          ['Kernel:', server.KernelVersion],
          ...components,
        ];
        io.stdout.write(`\nServer: ${server.Platform.Name}\n${rows(facts)}`);
        return;
      }
      const both = { Client: own, Server: server };
      io.stdout.write(`${options.format === 'json' ? JSON.stringify(both) : compileTemplate(options.format)(both)}\n`);
    });
}

function rows(facts: readonly (readonly [string, string])[]): string {
  return table(facts.map(([title, fact]) => [` ${title}`, fact]));
}
