import { Command } from 'commander';
import type { RestartPolicy, UpdateBody } from '../../docker-api/types.ts';
import { parseCpus } from '../../lib/cpus.ts';
import { parseMemory } from '../../lib/size.ts';
import { type Context, connect } from '../context.ts';
import { EXIT, Failure } from '../failure.ts';
import { parseRestartPolicy } from '../parse/restart-policy.ts';
import { containerPath } from '../paths.ts';
import { each } from './each.ts';
import { addShareOptions, type ShareOptions, sharesHost } from '../run/limit-options.ts';
import { value } from './options.ts';

interface Options extends ShareOptions {
  readonly cpus?: number;
  readonly memory?: number;
  readonly restart?: RestartPolicy;
}

export function updateCommand(context: Context): Command {
  const command = new Command('update')
    .description('Changes what containers may use, and how they are restarted; those that run go on with it at once.')
    .argument('<container...>')
    .option('--cpus <number>', 'how much CPU: 2, 0.5', value(parseCpus))
    .option('-m, --memory <size>', 'how much memory: 512m, 1g', value(parseMemory))
    .option('--restart <policy>', 'no, always, unless-stopped, on-failure[:max]', value(parseRestartPolicy));
  return addShareOptions(command).action(async (names: string[], options: Options, command: Command) => {
    const body = updateBody(options);
    if (Object.keys(body).length === 0) throw new Failure('say what to change: --memory, --cpus, --restart …', EXIT.refused);
    const client = await connect(context, command);
    await each(context.io, names, async (name) => {
      const { value } = await client.json<{ Warnings?: string[] | null } | undefined>('POST', containerPath(name, '/update'), { body });
      for (const warning of value?.Warnings ?? []) context.io.stderr.write(`warning: ${warning}\n`);
      return name;
    });
  });
}

/** Only what was said: what is missing stays as it is. */
function updateBody(options: Options): UpdateBody {
  const { cpus, memory, restart } = options;
  return {
    ...(cpus === undefined ? {} : { NanoCpus: cpus }),
    ...(memory === undefined ? {} : { Memory: memory }),
    ...sharesHost(options),
    ...(restart === undefined ? {} : { RestartPolicy: restart }),
  };
}
