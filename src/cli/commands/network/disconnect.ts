import { Command } from 'commander';
import { type Context, connect } from '../../context.ts';
import { networkPath } from '../../paths.ts';

export function networkDisconnectCommand(context: Context): Command {
  return new Command('disconnect')
    .description('Takes a container off a network.')
    .argument('<network>')
    .argument('<container>')
    .option('-f, --force', 'also where its end of the network is broken')
    .action(async (network: string, container: string, options: { force?: boolean }, command: Command) => {
      const client = await connect(context, command);
      const body = { Container: container, Force: options.force ?? false };
      await client.json('POST', networkPath(network, '/disconnect'), { body });
    });
}
