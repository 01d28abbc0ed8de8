import { Command } from 'commander';
import type { Client } from '../../docker-api/client.ts';
import type { ContainerInspect } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { EXIT, Failure } from '../failure.ts';
import { containerPath } from '../paths.ts';
import { runForeground } from '../run/foreground.ts';
import { addViewOptions, requireTerminal, type ViewOptions } from '../run/streams-options.ts';
import { each } from './each.ts';

interface Options extends ViewOptions {
  readonly attach?: boolean;
  readonly interactive?: boolean;
}

export function startCommand(context: Context): Command {
  const command = new Command('start')
    .summary('start stopped containers')
    .description('Starts stopped or created containers, each on the node it belongs to.')
    .argument('<container...>')
    .option('-a, --attach', 'show its output, pass signals on, end with its exit code')
    .option('-i, --interactive', 'the same, with your input');
  return addViewOptions(command).action(async (names: string[], options: Options, own: Command) => {
    const isAttached = options.attach === true || options.interactive === true;
    const [name = ''] = names;
    if (isAttached && names.length > 1) throw new Failure(`-a and -i are for one container, got ${names.length}`, EXIT.failed);
    const client = await connect(context, own);
    if (isAttached) return startAttached(context, client, name, options);
    await each(context.io, names, async (each) => {
      await client.json('POST', containerPath(each, '/start'));
      return each;
    });
  });
}

async function startAttached(context: Context, client: Client, name: string, options: Options): Promise<void> {
  const { io } = context;
  const { value: container } = await client.json<ContainerInspect>('GET', containerPath(name, '/json'));
  const { Id: id, State: state, Config: config, HostConfig: host } = container;
  if (state.Running) throw new Failure(`${name} runs already: \`caravela attach ${name}\` is at its input and output`);
  const stdin = options.interactive === true && config.OpenStdin;
  requireTerminal(io, stdin, config.Tty);
  const { sigProxy, detachKeys } = options;
  const wish = { stdin, stdout: true, stderr: true, tty: config.Tty, logs: false, sigProxy, detachKeys };
  context.exitCode = await runForeground(client, io, id, host.AutoRemove === true, wish);
}
