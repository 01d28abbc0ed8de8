import { Command } from 'commander';
import { type Context, connect } from '../../context.ts';
import { networkPath } from '../../paths.ts';
import { endpointConfig } from '../../run/networking-body.ts';
import { collect } from '../options.ts';

interface Options {
  readonly ip?: string;
  readonly alias?: readonly string[];
  readonly macAddress?: string;
  readonly link?: readonly string[];
}

export function networkConnectCommand(context: Context): Command {
  return new Command('connect')
    .description('Puts a container on one more network, at once where it runs.')
    .argument('<network>')
    .argument('<container>')
    .option('--ip <address>', 'its address there')
    .option('--alias <name>', 'another name for it there', collect)
    .option('--mac-address <address>', 'its MAC address there')
    .option('--link <container[:alias]>', 'another container there by a name of its own', collect)
    .action(async (network: string, container: string, options: Options, command: Command) => {
      const { ip = '', alias = [], macAddress = '', link = [] } = options;
      const client = await connect(context, command);
      const endpoint = endpointConfig({ ip, aliases: alias, mac: macAddress });
      const body = { Container: container, EndpointConfig: link.length === 0 ? endpoint : { ...endpoint, Links: [...link] } };
      await client.json('POST', networkPath(network, '/connect'), { body });
    });
}
