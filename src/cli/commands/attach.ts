import { Command } from 'commander';
import type { ContainerInspect } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { Failure } from '../failure.ts';
import { containerPath } from '../paths.ts';
import { exitCode, outcome } from '../run/foreground.ts';
import { Session } from '../run/session.ts';
import { addViewOptions, requireTerminal, type ViewOptions } from '../run/streams-options.ts';

interface Options extends ViewOptions {
  readonly stdin: boolean;
}

export function attachCommand(context: Context): Command {
  const command = new Command('attach')
    .description(
      "Shows a running container's output as it comes and passes your input on; ends with its exit code, or by the detach keys where it has a terminal.",
    )
    .argument('<container>')
    .option('--no-stdin', 'only look');
  return addViewOptions(command).action(async (name: string, options: Options, own: Command) => {
    const { io } = context;
    const client = await connect(context, own);
    const { value: container } = await client.json<ContainerInspect>('GET', containerPath(name, '/json'));
    const { Id: id, State: state, Config: config } = container;
    if (state.Restarting) throw new Failure(`${name} is restarting: wait until it runs`);
    if (!state.Running)
      throw new Failure(
        `${name} does not run: \`caravela start ${config.OpenStdin ? '-ai' : '-a'} ${name}\` starts it, \`caravela logs ${name}\` shows its output`,
      );
    const stdin = options.stdin && config.OpenStdin;
    requireTerminal(io, stdin, config.Tty);
    const waiting = await client.stream('POST', containerPath(id, '/wait'), { query: { condition: 'not-running' } });
    try {
      const session = await Session.open(client, io, id, {
        stdin,
        stdout: true,
        stderr: true,
        tty: config.Tty,
        logs: false,
        detachKeys: options.detachKeys,
        sigProxy: options.sigProxy,
      });
      try {
        // One that ended in between would be shown again only after its next start.
        const { value: now } = await client.json<ContainerInspect>('GET', containerPath(id, '/json'));
        if (now.State.Running) {
          session.running(true);
          context.exitCode = await outcome(session, waiting, id);
        } else context.exitCode = await exitCode(waiting, id);
      } finally {
        session.close();
      }
    } finally {
      waiting.destroy();
    }
  });
}
