import { Command, Option } from 'commander';
import { type Context, connect } from '../context.ts';
import { EXIT, Failure } from '../failure.ts';
import type { NetworkOption } from '../parse/network-option.ts';
import { asRefusal } from '../run/as-refusal.ts';
import { addContainerOptions } from '../run/container-options.ts';
import { networkList } from '../run/network-options.ts';
import { addViewOptions, requireTerminal } from '../run/streams-options.ts';
import { isStackFile } from '../stack/stack-options.ts';
import { ofImage, type RunOptions } from './run.ts';

interface Options extends RunOptions {
  readonly n?: readonly NetworkOption[];
}

/** Small, with a shell and the usual tools to look at a network. */
const DEFAULT_IMAGE = 'docker.io/library/alpine';

/** As Cantainer had it: `new -n 10.0.0.0/24`, and one is in a shell on that subnet. */
export function newCommand(context: Context): Command {
  const { io } = context;
  const image = io.env.CARAVELA_NEW_IMAGE || DEFAULT_IMAGE;
  const command = new Command('new').description(
    `Opens a shell in a new container, or runs COMMAND there, and removes it when that ends: run -it --rm. The image is ${image} unless said, or CARAVELA_NEW_IMAGE is set.`,
  );
  return addViewOptions(addContainerOptions(command, '[image]'))
    .usage('[options] [IMAGE [COMMAND...]]')
    .addOption(new Option('-n <network>', 'a subnet (10.0.0.0/24), made on first use, or the name of a network').argParser(networkList))
    .action(async (word: string | undefined, words: string[], options: Options, own: Command) => {
      if (word !== undefined && isStackFile(word)) {
        throw new Failure(`${word} is a stack file: \`caravela run ${word}\` runs all of it`, EXIT.refused);
      }
      requireTerminal(io, true, options.tty === true);
      await asRefusal(async () => {
        const client = await connect(context, own);
        await ofImage(context, client, word ?? image, words, {
          ...options,
          network: [...(options.n ?? []), ...(options.network ?? [])],
          interactive: true,
          // Where nobody types, a terminal would only put its echo and its line ends into the output.
          tty: options.tty ?? (io.stdinIsTty && io.stdoutIsTty),
          rm: true,
        });
      });
    });
}
