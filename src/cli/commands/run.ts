import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { EXIT, Failure } from '../failure.ts';
import { containerPath } from '../paths.ts';
import { asRefusal } from '../run/as-refusal.ts';
import { addContainerOptions, type ContainerOptions, refuseUnserved } from '../run/container-options.ts';
import { createContainer } from '../run/create-container.ts';
import { runForeground } from '../run/foreground.ts';
import { startFailure } from '../run/start-failure.ts';

export function runCommand(context: Context): Command {
  const command = new Command('run').description(
    'Runs a container on a node with room for it. In the foreground its output and its exit code are those of this command.',
  );
  return addContainerOptions(command)
    .option('-d, --detach', 'print its id and leave it running')
    .action(async (image: string, words: string[], options: ContainerOptions & { detach?: boolean }, own: Command) => {
      refuseUnserved(own);
      if (options.rm === true && options.restart !== undefined && options.restart.Name !== 'no') {
        throw new Failure('--rm removes what --restart would start again: choose one', EXIT.refused);
      }
      const detach = options.detach === true;
      await asRefusal(async () => {
        const client = await connect(context, own);
        const id = await createContainer(client, context.io, { image, command: words, options, attached: !detach });
        try {
          if (detach) {
            await client.json('POST', containerPath(id, '/start')).catch((error: unknown) => {
              throw startFailure(error);
            });
            context.io.stdout.write(`${id}\n`);
          } else context.exitCode = await runForeground(client, context.io, id, options.rm === true);
        } catch (error) {
          // --rm holds for one that never ran, too. It is gone where the daemon was quicker.
          if (options.rm === true && isStartFailure(error))
            await client.json('DELETE', containerPath(id), { query: { v: true } }).catch(() => {});
          throw error;
        }
      });
    });
}

function isStartFailure(error: unknown): boolean {
  return error instanceof Failure && error.exitCode >= EXIT.refused && error.exitCode <= EXIT.notFound;
}
