import { Command } from 'commander';
import type { Client } from '../../docker-api/client.ts';
import { ApiError } from '../../docker-api/errors.ts';
import { type Context, connect } from '../context.ts';
import { EXIT, Failure, sentence } from '../failure.ts';
import { compileTemplate } from '../format/template/evaluate.ts';
import { containerPath, imagePath } from '../paths.ts';

const KINDS = ['container', 'image'] as const;
type Kind = (typeof KINDS)[number];

interface Options {
  format?: string;
  type?: string;
  size?: boolean;
}

export function inspectCommand(context: Context): Command {
  return new Command('inspect')
    .description('Shows all facts of containers or images, as JSON.')
    .argument('<name...>', 'names or ids')
    .option('-f, --format <template>', 'json, or a template: {{.State.Status}} {{json .Config}}')
    .option('--type <kind>', 'container or image, where a name is both')
    .option('-s, --size', 'as Docker')
    .action(async (names: string[], options: Options, command: Command) => {
      const kinds = kindsOf(options.type, command);
      const format = options.format === 'json' ? '{{json .}}' : options.format;
      const render = format === undefined || format === '' ? undefined : compileTemplate(format);
      const client = await connect(context, command);
      const found: unknown[] = [];
      const missing: string[] = [];
      for (const name of names) {
        try {
          found.push(await inspect(client, name, kinds));
        } catch (error) {
          const why = sentence(error);
          if (why === undefined || !(error instanceof ApiError)) throw error;
          missing.push(why);
        }
      }
      if (render === undefined) context.io.stdout.write(`${JSON.stringify(found, undefined, 4)}\n`);
      else for (const value of found) context.io.stdout.write(`${render(value)}\n`);
      for (const why of missing) context.io.stderr.write(`caravela: ${why}\n`);
      if (missing.length > 0) throw new Failure('', EXIT.failed);
    });
}

/** Within a group (`image inspect`) the group says which. */
function kindsOf(type: string | undefined, command: Command): readonly Kind[] {
  const said = type ?? command.parent?.name() ?? '';
  const kind = KINDS.find((k) => k === said);
  if (kind !== undefined) return [kind];
  if (type !== undefined) throw new Failure(`${JSON.stringify(type)} is no kind of thing to inspect: there are ${KINDS.join(' and ')}`);
  return KINDS;
}

async function inspect(client: Client, name: string, kinds: readonly Kind[]): Promise<unknown> {
  for (const kind of kinds) {
    try {
      const path = kind === 'container' ? containerPath(name, '/json') : imagePath(name, '/json');
      return (await client.json(`GET`, path)).value;
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }
  throw new ApiError(404, `there is no ${kinds.join(' or ')} ${name}`);
}
