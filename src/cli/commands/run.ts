import { Command } from 'commander';
import type { Client } from '../../docker-api/client.ts';
import { type Context, connect } from '../context.ts';
import { EXIT, Failure } from '../failure.ts';
import { containerPath } from '../paths.ts';
import { readText } from '../read-text.ts';
import { asRefusal } from '../run/as-refusal.ts';
import { readBodyFiles } from '../run/body-files.ts';
import { addContainerOptions, type ContainerOptions } from '../run/container-options.ts';
import { createBody } from '../run/create-body.ts';
import { createContainer } from '../run/create-container.ts';
import { dryRun } from '../run/dry-run.ts';
import { runForeground } from '../run/foreground.ts';
import { startFailure } from '../run/start-failure.ts';
import { addViewOptions, attachedStreams, requireTerminal, type ViewOptions } from '../run/streams-options.ts';
import { runStack } from '../stack/run-stack.ts';
import { stackBody } from '../stack/stack-body.ts';
import { isStackFile, refuseForStack } from '../stack/stack-options.ts';
import { withLine } from '../stack/with-line.ts';

export interface RunOptions extends ContainerOptions, ViewOptions {
  readonly detach?: boolean;
  readonly dryRun?: boolean;
  readonly format?: string;
}

export function runCommand(context: Context): Command {
  const command = new Command('run').description(
    'Runs a container on a node with room for it; in the foreground its output and its exit code are those of this command. With a stack file (.yml, .yaml) instead of an image it runs all its containers, or none, in the background.',
  );
  return addViewOptions(addContainerOptions(command))
    .usage('[options] IMAGE [COMMAND...]\n       caravela run [options] STACK.yml')
    .option('-d, --detach', 'print its id and leave it running')
    .option('--dry-run', 'only say where it would go, and what each node answers')
    .option('--format <format>', 'of a dry run or a stack: table, json, or a template')
    .action(async (image: string, words: string[], options: RunOptions, own: Command) => {
      if (options.rm === true && options.restart !== undefined && options.restart.Name !== 'no') {
        throw new Failure('--rm removes what --restart would start again: choose one', EXIT.refused);
      }
      if (options.detach === true && options.attach !== undefined)
        throw new Failure('-d leaves it alone, -a looks at it: choose one', EXIT.refused);
      const isStack = isStackFile(image);
      if (isStack) refuseForStack(image, words, own);
      else if (options.format !== undefined && options.dryRun !== true) {
        throw new Failure('--format goes with --dry-run and with stack files', EXIT.refused);
      }
      if (!isStack && options.detach !== true && options.dryRun !== true)
        requireTerminal(context.io, attachedStreams(options).stdin, options.tty === true);
      await asRefusal(async () => {
        const client = await connect(context, own);
        if (isStack) await ofStackFile(context, client, image, options);
        else if (options.dryRun === true) {
          const body = createBody({
            image,
            command: words,
            options,
            attached: false,
            env: context.io.env,
            ...(await readBodyFiles(options)),
          });
          const part = options.name === undefined ? { body } : { name: options.name, body };
          await dryRun(client, context.io, { parts: [part], groups: [] }, options.format);
        } else await ofImage(context, client, image, words, options);
      });
    });
}

async function ofStackFile({ io }: Context, client: Client, file: string, options: RunOptions): Promise<void> {
  const { parseStackFile } = await import('../stack/stack-file.ts');
  const stack = parseStackFile(await readText(file), file);
  const body = stackBody({ file, stack, options, env: io.env, ...(await readBodyFiles(options)) });
  try {
    const { makeNetworks, removeNetworks, withoutMissing } = await import('../stack/make-networks.ts');
    if (options.dryRun === true) {
      await dryRun(client, io, await withoutMissing(client, file, body, stack.networks), options.format);
      return;
    }
    const made = await makeNetworks(client, file, body, stack.networks);
    try {
      await runStack(client, io, body, options, options.format);
    } catch (error) {
      await removeNetworks(client, made);
      throw error;
    }
  } catch (error) {
    throw withLine(error, file, stack);
  }
}

/** Runs one container; in the foreground its exit code becomes ours. */
export async function ofImage(context: Context, client: Client, image: string, words: string[], options: RunOptions): Promise<void> {
  const detach = options.detach === true;
  const id = await createContainer(client, context.io, { image, command: words, options, attached: !detach });
  try {
    if (detach) {
      await client.json('POST', containerPath(id, '/start')).catch((error: unknown) => {
        throw startFailure(error);
      });
      context.io.stdout.write(`${id}\n`);
    } else {
      const { tty = false, sigProxy, detachKeys } = options;
      const wish = { ...attachedStreams(options), tty, logs: true, sigProxy, detachKeys };
      context.exitCode = await runForeground(client, context.io, id, options.rm === true, wish);
    }
  } catch (error) {
    // --rm holds for one that never ran, too. It is gone where the daemon was quicker.
    if (options.rm === true && isStartFailure(error))
      await client.json('DELETE', containerPath(id), { query: { v: true } }).catch(() => {});
    throw error;
  }
}

function isStartFailure(error: unknown): boolean {
  return error instanceof Failure && error.exitCode >= EXIT.refused && error.exitCode <= EXIT.notFound;
}
