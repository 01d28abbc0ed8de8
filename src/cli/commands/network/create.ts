import { Command, Option } from 'commander';
import type { NetworkCreateBody, NetworkCreated, NetworkPool } from '../../../docker-api/types.ts';
import { type Context, connect } from '../../context.ts';
import { parseLabels } from '../../parse/assignments.ts';
import { collect } from '../options.ts';

interface Options {
  readonly subnet?: string;
  readonly gateway?: string;
  readonly label?: readonly string[];
  readonly internal?: boolean;
  readonly opt?: readonly string[];
  readonly driver?: string;
}

export function networkCreateCommand(context: Context): Command {
  return new Command('create')
    .description('Makes a network that every node can take part in. Prints its id.')
    .argument('<name>', 'unique in the instance')
    .option('--subnet <cidr>', 'its addresses: 10.0.0.0/24; chosen where it is not said')
    .option('--gateway <address>', 'of the subnet; its first address where it is not said')
    .option('--label <key=value>', 'a label', collect)
    .option('--internal', 'nothing goes out of it but to itself')
    .option('-o, --opt <key=value>', 'mtu=1400: smaller than what the underlay gives', collect)
    .option('-d, --driver <driver>', 'caravela is all there is; bridge and overlay mean it, too')
    .addOption(new Option('--attachable', 'every network is').hideHelp())
    .action(async (name: string, options: Options, command: Command) => {
      const client = await connect(context, command);
      const { value } = await client.json<NetworkCreated>('POST', '/networks/create', { body: bodyOf(name, options) });
      if (value.Warning !== '') context.io.stderr.write(`warning: ${value.Warning}\n`);
      context.io.stdout.write(`${value.Id}\n`);
    });
}

function bodyOf(name: string, { subnet, gateway, label = [], internal = false, opt = [], driver }: Options): NetworkCreateBody {
  const pool: NetworkPool = { ...(subnet === undefined ? {} : { Subnet: subnet }), ...(gateway === undefined ? {} : { Gateway: gateway }) };
  return {
    Name: name,
    CheckDuplicate: true,
    Internal: internal,
    ...(driver === undefined ? {} : { Driver: driver }),
    ...(Object.keys(pool).length === 0 ? {} : { IPAM: { Config: [pool] } }),
    Options: parseLabels(opt),
    Labels: parseLabels(label),
  };
}
