import { Command } from 'commander';
import { type Context, connect } from '../../context.ts';
import { networkPath } from '../../paths.ts';
import { endpointConfig } from '../../run/networking-body.ts';
import { collect } from '../options.ts';

interface Options {
  readonly ip?: string;
  readonly alias?: readonly string[];
  readonly macAddress?: string;
}

export function networkConnectCommand(context: Context): Command {
  return new Command('connect')
    .description('Puts a container on one more network, at once where it runs.')
    .argument('<network>')
    .argument('<container>')
    .option('--ip <address>', 'its address there')
    .option('--alias <name>', 'another name for it there', collect)
    .option('--mac-address <address>', 'its MAC address there')
    .action(async (network: string, container: string, { ip = '', alias = [], macAddress = '' }: Options, command: Command) => {
      const client = await connect(context, command);
      const body = { Container: container, EndpointConfig: endpointConfig({ ip, aliases: alias, mac: macAddress }) };
      await client.json('POST', networkPath(network, '/connect'), { body });
    });
}
