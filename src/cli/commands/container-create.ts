import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { EXIT, Failure } from '../failure.ts';
import { asRefusal } from '../run/as-refusal.ts';
import { addContainerOptions, type ContainerOptions } from '../run/container-options.ts';
import { createContainer } from '../run/create-container.ts';
import { isStackFile } from '../stack/stack-options.ts';

/** Docker's `create`; here that word makes an instance, so this one is `container create`. */
export function containerCreateCommand(context: Context): Command {
  const command = new Command('create').description('Places a container on a node with room for it, without starting it. Prints its id.');
  return addContainerOptions(command).action(async (image: string, words: string[], options: ContainerOptions, own: Command) => {
    if (isStackFile(image)) throw new Failure(`${image} is a stack file: \`caravela run ${image}\` runs all of it`, EXIT.refused);
    await asRefusal(async () => {
      const client = await connect(context, own);
      const id = await createContainer(client, context.io, { image, command: words, options, attached: false });
      context.io.stdout.write(`${id}\n`);
    });
  });
}
