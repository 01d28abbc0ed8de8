import { Command } from 'commander';
import type { ContainerInspect } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { Failure } from '../failure.ts';
import { containerPath } from '../paths.ts';

export function portCommand(context: Context): Command {
  return new Command('port')
    .description('Shows where the published ports of a container are served: on its node, and on the node that was asked for it.')
    .argument('<container>')
    .argument('[port[/protocol]]', 'only this port of the container')
    .action(async (name: string, port: string | undefined, _options: object, command: Command) => {
      if (port !== undefined && !/^\d{1,5}(\/[a-z]+)?$/i.test(port)) {
        throw new Failure(`${JSON.stringify(port)} is no port of a container: write 80 or 53/udp`);
      }
      const client = await connect(context, command);
      const { value } = await client.json<ContainerInspect>('GET', containerPath(name, '/json'));
      const wanted = port === undefined || port.includes('/') ? port?.toLowerCase() : `${port}/tcp`;
      const served = Object.entries(value.NetworkSettings.Ports)
        .sort(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1))
        .flatMap(([key, bindings]) => (bindings ?? []).map(({ HostIp, HostPort }) => ({ key, at: `${HostIp}:${HostPort}` })));
      if (wanted === undefined) for (const { key, at } of served) context.io.stdout.write(`${key} -> ${at}\n`);
      else {
        const found = served.filter(({ key }) => key === wanted);
        if (found.length === 0) throw new Failure(`no public port '${wanted}' published for ${name}`);
        for (const { at } of found) context.io.stdout.write(`${at}\n`);
      }
    });
}
