import { type Command, Option } from 'commander';

/** Options that every command takes, before or after its name. */
const GLOBAL: readonly (readonly [flags: string, description: string])[] = [
  ['--host <host>', 'the daemon to talk to: unix:///path, tcp://host:port (CARAVELA_HOST)'],
  ['--data-dir <path>', 'where this node keeps its data (CARAVELA_DATA_DIR, /var/lib/caravela)'],
  ['--run-dir <path>', 'where its socket is (CARAVELA_RUN_DIR, /run/caravela)'],
];
const NAMES = new Set(GLOBAL.map(([flags]) => flags.split(' ')[0]));

/** On the root they are shown in help; below it they are accepted. */
export function addGlobalOptions(command: Command, shown: boolean): Command {
  for (const [flags, description] of GLOBAL) {
    const option = new Option(flags, description);
    command.addOption(shown ? option : option.hideHelp());
  }
  return command;
}

export type Verb = { readonly kind: 'found'; readonly index: number } | { readonly kind: 'none' };

/** Where on the line the command's name stands: the first word that is neither a global option nor its value. */
export function findVerb(words: readonly string[]): Verb {
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (!word.startsWith('-')) return { kind: 'found', index: i };
    if (NAMES.has(word)) i++;
  }
  return { kind: 'none' };
}
