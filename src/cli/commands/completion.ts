import { Argument, Command } from 'commander';
import { bash, fish, zsh } from '../completion/scripts.ts';
import type { Word } from '../completion/word.ts';
import type { Context } from '../context.ts';
import type { Entry, Registry } from '../entry.ts';

const SHELLS = { bash, zsh, fish } as const;

/** The script is made from the commands themselves, so it can't fall behind them. */
export const completionCommand = (registry: Registry) => (context: Context) =>
  new Command('completion')
    .description(
      'Prints a completion script. bash: source <(caravela completion bash); zsh: the same; fish: caravela completion fish | source',
    )
    .addArgument(new Argument('<shell>').choices(Object.keys(SHELLS)))
    .action(async (shell: keyof typeof SHELLS) => {
      const words = await Promise.all(
        Object.entries(registry.commands)
          .filter(([, entry]) => entry.hidden !== true)
          .map(([name, entry]) => describe(name, entry, context)),
      );
      const groups = await Promise.all(Object.entries(registry.groups).map(([name, verbs]) => describeGroup(name, verbs, context)));
      context.io.stdout.write(SHELLS[shell]([...words, ...groups]));
    });

async function describe(name: string, entry: Entry, context: Context): Promise<Word> {
  const command = (await entry.load())(context);
  const verbs = command.commands.map((sub) => ({ name: sub.name(), options: optionsOf(sub) }));
  return { name, summary: entry.summary, options: optionsOf(command), verbs };
}

async function describeGroup(name: string, entries: Readonly<Record<string, Entry>>, context: Context): Promise<Word> {
  const shown = Object.entries(entries).filter(([, { hidden }]) => hidden !== true);
  const verbs = shown.map(async ([verb, entry]) => ({ name: verb, options: optionsOf((await entry.load())(context)) }));
  return { name, summary: `${name} commands`, options: [], verbs: await Promise.all(verbs) };
}

function optionsOf({ options }: Command): readonly string[] {
  return [...options.filter((option) => !option.hidden).flatMap((option) => option.long ?? []), '--help'];
}
