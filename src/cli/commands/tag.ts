import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { parseReference } from '../parse/reference.ts';
import { imagePath } from '../paths.ts';

export function tagCommand(context: Context): Command {
  return new Command('tag')
    .description('Gives an image one more name.')
    .argument('<image>', 'a name or an id')
    .argument('<name[:tag]>', 'the new one; latest is its tag where none is said')
    .action(async (image: string, target: string, _options: object, command: Command) => {
      const { name, tag = 'latest', digest } = parseReference(target);
      if (digest !== undefined) throw new RangeError(`${JSON.stringify(target)} has a digest: an image is given names with tags only`);
      const client = await connect(context, command);
      await client.json('POST', imagePath(image, '/tag'), { query: { repo: name, tag } });
    });
}
