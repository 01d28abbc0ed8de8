import { Command, CommanderError } from 'commander';
import { rewriteAncestorWords } from './argv/ancestor-words.ts';
import { rewriteBooleans } from './argv/boolean-words.ts';
import { notHere } from './argv/not-here.ts';
import type { Context, Installation } from './context.ts';
import type { Entry } from './entry.ts';
import { EXIT, Failure, sentence } from './failure.ts';
import type { Io } from './io.ts';
import { addGlobalOptions, findVerb } from './argv/global-options.ts';
import { COMMANDS, findCommand, type Found, GROUP_SUMMARIES, GROUPS } from './registry.ts';

/** Runs one command line. Resolves to the exit code; whatever goes wrong is told on stderr. */
export async function main(argv: readonly string[], io: Io, installation: Installation): Promise<number> {
  const context: Context = { io, installation, exitCode: 0 };
  const path: string[] = [];
  try {
    await dispatch(argv, context, path);
    return context.exitCode;
  } catch (error) {
    return report(error, io, path);
  }
}

async function dispatch(argv: readonly string[], context: Context, path: string[]): Promise<void> {
  const words = helpAsOption(argv);
  const verb = findVerb(words);
  const root = makeRoot(context);
  if (verb.kind === 'none') {
    addStubs(root, COMMANDS);
    for (const [name, summary] of Object.entries(GROUP_SUMMARIES)) root.command(name).description(summary);
    if (words.length === 0) root.outputHelp();
    else await root.parseAsync(words, { from: 'user' });
    return;
  }
  const found = findCommand(words.slice(verb.index));
  if (found === undefined) return withoutCommand(root, words, verb.index);
  path.push(...found.path);
  const command = await attach(root, found, context);
  const rest = words.slice(verb.index + found.path.length);
  path.push(...subcommandWords(command, rest));
  const said = rewriteBooleans(rest, command.options);
  const own = found.entry.ancestorWords === true ? rewriteAncestorWords(said, command.options) : said;
  await root.parseAsync([...words.slice(0, verb.index), ...found.path, ...own], { from: 'user' });
}

/** A group without its verb shows its verbs; all else is no command. @throws Failure */
async function withoutCommand(root: Command, words: readonly string[], at: number): Promise<void> {
  const [first = '', second] = words.slice(at);
  const group = Object.hasOwn(GROUPS, first) ? GROUPS[first] : undefined;
  if (group === undefined) {
    const instead = notHere(first);
    throw new Failure(
      instead === undefined
        ? `${JSON.stringify(first)} is no command; see \`caravela --help\``
        : `${JSON.stringify(first)} is no command here: ${instead}`,
    );
  }
  if (second !== undefined && !second.startsWith('-')) {
    throw new Failure(`${first} needs one of ${Object.keys(group).join(', ')}; see \`caravela ${first} --help\``);
  }
  const command = inherit(root, new Command(first).description(GROUP_SUMMARIES[first] ?? '').helpCommand(false));
  addStubs(command, group);
  await root.parseAsync(words, { from: 'user' });
}

/** Of `network create x`, beside the command `network`: what its help is asked for by. */
function subcommandWords(command: Command, [word = '']: readonly string[]): readonly string[] {
  const sub = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
  return sub === undefined ? [] : [sub.name()];
}

/** `caravela help run` is `caravela run --help`. */
function helpAsOption(argv: readonly string[]): readonly string[] {
  return argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv;
}

function makeRoot(context: Context): Command {
  const root = new Command('caravela')
    .description('Many Linux machines, one place to run containers, no control plane')
    .version(`caravela version ${context.installation.version}`, '-v, --version')
    .helpOption('-h, --help')
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.io.stdout.write(text),
      writeErr: (text) => context.io.stderr.write(text),
      outputError: () => {},
    });
  return addGlobalOptions(root, true);
}

/** The one command that is run is loaded; of the others only names and summaries are needed, for help. */
function addStubs(parent: Command, entries: Readonly<Record<string, Entry>>): void {
  for (const [name, entry] of Object.entries(entries)) parent.command(name, { hidden: entry.hidden === true }).description(entry.summary);
}

/** Loads the command and hangs it below the root (and its group). */
async function attach(root: Command, found: Found, context: Context): Promise<Command> {
  const make = await found.entry.load();
  const command = make(context).name(found.path.at(-1) ?? '');
  let parent = root;
  for (const word of found.path.slice(0, -1)) parent = inherit(parent, new Command(word).helpCommand(false));
  inherit(parent, command);
  return command;
}

function inherit(parent: Command, command: Command): Command {
  parent.addCommand(command);
  const pass = (from: Command, to: Command): void => {
    to.copyInheritedSettings(from);
    addGlobalOptions(to, false);
    for (const below of to.commands) pass(to, below);
  };
  pass(parent, command);
  return command;
}

function report(error: unknown, io: Io, path: readonly string[]): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // A group without its verb: commander has shown the help.
    if (error.code === 'commander.help') return EXIT.failed;
    const what = error.message.replace(/^error: /, '').replace(/\.?\s*$/, '');
    io.stderr.write(`caravela: ${what}; see \`${['caravela', ...path, '--help'].join(' ')}\`\n`);
    return EXIT.refused;
  }
  const said = sentence(error);
  if (said !== undefined) {
    if (said !== '') io.stderr.write(`caravela: ${said}\n`);
    return error instanceof Failure ? error.exitCode : EXIT.failed;
  }
  io.stderr.write(`caravela: this is a defect of caravela, please report it: ${error instanceof Error ? error.stack : String(error)}\n`);
  return EXIT.failed;
}
