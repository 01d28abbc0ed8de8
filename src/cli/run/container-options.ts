import { type Command, Option } from 'commander';
import type { RestartPolicy } from '../../docker-api/types.ts';
import { collect, integer, value } from '../commands/options.ts';
import { EXIT, Failure } from '../failure.ts';
import { parseCpus } from '../../lib/cpus.ts';
import { parseRestartPolicy } from '../parse/restart-policy.ts';
import { parseMemory } from '../../lib/size.ts';
import { addNetworkOptions, type NetworkOptions } from './network-options.ts';
import { addStreamsOptions, type StreamsOptions } from './streams-options.ts';

/** What `run` and `container create` take, as commander gives it. */
export interface ContainerOptions extends NetworkOptions, StreamsOptions {
  readonly name?: string;
  /** Billionths of a core. */
  readonly cpus?: number;
  /** Bytes. */
  readonly memory?: number;
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly label?: readonly string[];
  readonly labelFile?: readonly string[];
  readonly entrypoint?: string;
  readonly workdir?: string;
  readonly user?: string;
  readonly cpuClass?: 'low' | 'high';
  readonly policy?: 'binpack' | 'spread';
  readonly constraint?: readonly string[];
  readonly affinity?: readonly string[];
  readonly restart?: RestartPolicy;
  readonly readOnly?: boolean;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly init?: boolean;
  readonly pidsLimit?: number;
  readonly pull: 'always' | 'missing' | 'never';
  readonly cidfile?: string;
  readonly stopSignal?: string;
  readonly stopTimeout?: number;
  readonly rm?: boolean;
  readonly quiet?: boolean;
}

/** Docker's options that can't be served yet, and why: better said than ignored. */
const REFUSED: readonly (readonly [flags: string, why: string])[] = [
  ['-v, --volume [mount]', 'bind mounts and volumes are not there yet'],
  ['--mount [mount]', 'bind mounts and volumes are not there yet'],
];

/** Adds the options to a command of which IMAGE and its words are the arguments. @param image how the former is written */
export function addContainerOptions(command: Command, image = '<image>'): Command {
  command
    .helpOption('--help')
    .passThroughOptions()
    .argument(image)
    .argument('[command...]', 'what to run in it, instead of what the image says')
    .usage('[options] IMAGE [COMMAND...]')
    .option('--name <name>', 'its name, unique in the instance')
    .option('--cpus <number>', 'how much CPU it gets: 2, 0.5', value(parseCpus))
    .option('-m, --memory <size>', 'how much memory it gets: 512m, 1g; a bare small number means MiB', value(parseMemory))
    .option('-e, --env <KEY=value>', 'a variable; KEY alone passes yours on', collect)
    .option('--env-file <file>', 'variables, one a line', collect)
    .option('-l, --label <key=value>', 'a label', collect)
    .option('--label-file <file>', 'labels, one a line', collect)
    .option('--entrypoint <program>', "instead of the image's entry point")
    .option('-w, --workdir <path>', 'where it starts')
    .option('-u, --user <user[:group]>', 'names or numbers')
    .addOption(new Option('--cpu-class <class>', 'only nodes of this class or above').choices(['low', 'high']))
    .addOption(new Option('--policy <policy>', 'fill nodes one by one, or spread').choices(['binpack', 'spread']))
    .option(
      '--constraint <key==value>',
      'only nodes that match: node, arch, class or a label; != for not, ==~ for rather, * for any text',
      collect,
    )
    .option(
      '--affinity <key==value>',
      'only beside containers that match: container, image or a label; != for apart, ==~ for rather',
      collect,
    )
    .option('--restart <policy>', 'no, always, unless-stopped, on-failure[:max]', value(parseRestartPolicy))
    .option('--read-only', 'its root file system can only be read')
    .option('--cap-add <capability>', 'with this capability', collect)
    .option('--cap-drop <capability>', 'without this capability', collect)
    .option('--init', 'a small init as its first process, which reaps zombies')
    .option('--pids-limit <n>', 'at most so many processes', integer(-1, 4_194_304))
    .addOption(new Option('--pull <when>', 'fetch the image').choices(['always', 'missing', 'never']).default('missing'))
    .option('-q, --quiet', 'without the progress of a pull')
    .option('--cidfile <file>', 'write the id there')
    .option('--stop-signal <signal>', 'what stop sends first')
    .option('--stop-timeout <seconds>', 'how long stop waits before KILL', integer(-1, 31_536_000))
    .option('--rm', 'remove it when it has ended');
  addNetworkOptions(command);
  addStreamsOptions(command);
  for (const [flags] of REFUSED) command.addOption(new Option(flags).hideHelp());
  return command;
}

/** @throws Failure where an option was given that can't be served. */
export function refuseUnserved(command: Command): void {
  for (const [flags, why] of REFUSED) {
    const option = command.options.find((o) => o.flags === flags);
    const given = option === undefined ? undefined : command.getOptionValueSource(option.attributeName());
    if (given === 'cli') throw new Failure(`${flags.replace(/ \[.*$/, '')}: ${why}`, EXIT.refused);
  }
}
