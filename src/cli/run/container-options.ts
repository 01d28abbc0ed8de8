import { type Command, Option } from 'commander';
import type { RestartPolicy } from '../../docker-api/types.ts';
import { collect, integer, value } from '../commands/options.ts';
import { parseCpus } from '../../lib/cpus.ts';
import { parseRestartPolicy } from '../parse/restart-policy.ts';
import { parseMemory } from '../../lib/size.ts';
import { addHealthOptions, type HealthOptions } from './health-options.ts';
import { addIsolationOptions, type IsolationOptions } from './isolation-options.ts';
import { addLimitOptions, type LimitOptions } from './limit-options.ts';
import { addMountOptions, type MountOptions } from './mount-options.ts';
import { addNetworkOptions, type NetworkOptions } from './network-options.ts';
import { addStreamsOptions, type StreamsOptions } from './streams-options.ts';

/** What `run` and `container create` take, as commander gives it. */
export interface ContainerOptions extends NetworkOptions, StreamsOptions, MountOptions, LimitOptions, IsolationOptions, HealthOptions {
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
  readonly init?: boolean;
  readonly pull: 'always' | 'missing' | 'never';
  readonly cidfile?: string;
  readonly stopSignal?: string;
  readonly stopTimeout?: number;
  readonly rm?: boolean;
  readonly quiet?: boolean;
  /** `os/arch[/variant]`. */
  readonly platform?: string;
  readonly logDriver?: string;
  readonly logOpt?: readonly string[];
}

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
    .option('--init', 'a small init as its first process, which reaps zombies')
    .addOption(new Option('--pull <when>', 'fetch the image').choices(['always', 'missing', 'never']).default('missing'))
    .option('-q, --quiet', 'without the progress of a pull')
    .option('--cidfile <file>', 'write the id there')
    .option('--stop-signal <signal>', 'what stop sends first')
    .option('--stop-timeout <seconds>', 'how long stop waits before KILL', integer(-1, 31_536_000))
    .option('--platform <os/arch>', 'only nodes of this kind, and such an image: linux/arm64')
    .option('--log-driver <driver>', 'json-file or local, which are one here, or none')
    .option('--log-opt <key=value>', 'max-size=10m, max-file=3', collect)
    .addOption(new Option('--disable-content-trust [boolean]').hideHelp())
    .option('--rm', 'remove it when it has ended, with the volumes that nobody named');
  addNetworkOptions(command);
  addMountOptions(command);
  addLimitOptions(command);
  addIsolationOptions(command);
  addHealthOptions(command);
  addStreamsOptions(command);
  return command;
}
