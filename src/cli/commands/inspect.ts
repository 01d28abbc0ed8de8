import { Command } from 'commander';
import type { Client } from '../../docker-api/client.ts';
import { ApiError } from '../../docker-api/errors.ts';
import { type Context, connect } from '../context.ts';
import { Failure } from '../failure.ts';
import { containerPath, imagePath, networkPath, volumePath } from '../paths.ts';
import { inspectEach, renderOf } from './inspect-each.ts';

const KINDS = ['container', 'image', 'network', 'volume'] as const;
type Kind = (typeof KINDS)[number];
const PATHS: Readonly<Record<Kind, (name: string) => string>> = {
  container: (name) => containerPath(name, '/json'),
  image: (name) => imagePath(name, '/json'),
  network: (name) => networkPath(name),
  volume: volumePath,
};

interface Options {
  format?: string;
  type?: string;
  size?: boolean;
}

export function inspectCommand(context: Context): Command {
  return new Command('inspect')
    .description('Shows all facts of containers, images, networks or volumes, as JSON.')
    .argument('<name...>', 'names or ids')
    .option('-f, --format <template>', 'json, or a template: {{.State.Status}} {{json .Config}}')
    .option('--type <kind>', 'container, image, network or volume, where a name is several')
    .option('-s, --size', 'of containers: what they take on disks, too')
    .action(async (names: string[], options: Options, command: Command) => {
      const kinds = kindsOf(options.type, command);
      const render = renderOf(options.format);
      const client = await connect(context, command);
      await inspectEach(context.io, names, render, (name) => inspect(client, name, kinds, options.size === true));
    });
}

/** Within a group (`image inspect`) the group says which. */
function kindsOf(type: string | undefined, command: Command): readonly Kind[] {
  const said = type ?? command.parent?.name() ?? '';
  const kind = KINDS.find((k) => k === said);
  if (kind !== undefined) return [kind];
  if (type !== undefined) throw new Failure(`${JSON.stringify(type)} is no kind of thing to inspect: there are ${KINDS.join(', ')}`);
  return KINDS;
}

async function inspect(client: Client, name: string, kinds: readonly Kind[], size: boolean): Promise<unknown> {
  for (const kind of kinds) {
    try {
      const query = kind === 'container' && size ? { size } : {};
      return (await client.json('GET', PATHS[kind](name), { query })).value;
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }
  const words = kinds.length > 1 ? `${kinds.slice(0, -1).join(', ')} or ${kinds.at(-1) ?? ''}` : kinds.join('');
  throw new ApiError(404, `there is no ${words} ${name}`);
}
