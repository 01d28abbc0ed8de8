import type { CaravelaCreateOptions, ContainerCreateBody } from '../../docker-api/types.ts';
import type { TerminalSize } from '../terminal/terminal.ts';
import { parseEnv, parseEnvFile, parseLabels } from '../parse/assignments.ts';
import { archOf } from '../parse/platform.ts';
import type { BodyFiles } from './body-files.ts';
import type { ContainerOptions } from './container-options.ts';
import { healthConfig } from './health-options.ts';
import { isolationHost } from './isolation-options.ts';
import { limitsHost } from './limit-options.ts';
import { anonymousVolumes, mountsHost } from './mount-options.ts';
import { networkingBody, networkingHost } from './networking-body.ts';
import { attachedStreams } from './streams-options.ts';

export interface CreateInput extends BodyFiles {
  readonly image: string;
  readonly command: readonly string[];
  readonly options: ContainerOptions;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether our own output will be its output. */
  readonly attached: boolean;
  /** Of our terminal; undefined: we have none. */
  readonly terminalSize?: TerminalSize | undefined;
}

/** The body of POST /containers/create. Only what was said is sent: the daemon knows the defaults. @throws RangeError */
export function createBody(input: CreateInput): ContainerCreateBody {
  const { options, attached } = input;
  const env = [...input.envFiles.flatMap((text) => parseEnvFile(text, input.env)), ...parseEnv(options.env ?? [], input.env)];
  const fileLabels = input.labelFiles.flatMap((text) => text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#')));
  const caravela = caravelaOptions(options);
  const volumes = anonymousVolumes(options);
  const health = healthConfig(options);
  const streams = attachedStreams(options);
  const openStdin = options.interactive === true;
  return {
    Image: input.image,
    AttachStdin: attached && streams.stdin,
    AttachStdout: attached && streams.stdout,
    AttachStderr: attached && streams.stderr,
    Tty: options.tty === true,
    OpenStdin: openStdin,
    // Its input ends with ours.
    StdinOnce: openStdin && attached && streams.stdin,
    Env: env,
    Cmd: input.command.length > 0 ? [...input.command] : null,
    // An empty entry point means none, as Docker's `--entrypoint ''`: one empty string says so.
    Entrypoint: options.entrypoint === undefined ? null : [options.entrypoint],
    Labels: parseLabels([...fileLabels, ...(options.label ?? [])]),
    ...networkingBody(options),
    ...(options.user === undefined ? {} : { User: options.user }),
    ...(options.workdir === undefined ? {} : { WorkingDir: options.workdir }),
    ...(options.stopSignal === undefined ? {} : { StopSignal: options.stopSignal }),
    ...(options.stopTimeout === undefined ? {} : { StopTimeout: options.stopTimeout }),
    ...(volumes === undefined ? {} : { Volumes: volumes }),
    ...(health === undefined ? {} : { Healthcheck: health }),
    HostConfig: { ...hostConfig(options), ...isolationHost(options, input.securityOpt), ...consoleSize(input) },
    ...(caravela === undefined ? {} : { Caravela: caravela }),
  };
}

/** So that a program that looks at once does not find a terminal without size. */
function consoleSize({ options, attached, terminalSize }: CreateInput): Pick<HostConfig, 'ConsoleSize'> {
  if (options.tty !== true || !attached || terminalSize === undefined) return {};
  return { ConsoleSize: [terminalSize.rows, terminalSize.columns] };
}

type HostConfig = NonNullable<ContainerCreateBody['HostConfig']>;

function hostConfig(options: ContainerOptions): HostConfig {
  return {
    ...networkingHost(options),
    ...mountsHost(options),
    ...limitsHost(options),
    ...logConfig(options),
    RestartPolicy: options.restart ?? { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: options.rm ?? false,
    ...(options.cpus === undefined ? {} : { NanoCpus: options.cpus }),
    ...(options.memory === undefined ? {} : { Memory: options.memory }),
    ...(options.init === undefined ? {} : { Init: options.init }),
  };
}

function logConfig({ logDriver = '', logOpt }: ContainerOptions): HostConfig {
  return logDriver === '' && logOpt === undefined ? {} : { LogConfig: { Type: logDriver, Config: parseLabels(logOpt ?? []) } };
}

function caravelaOptions({ cpuClass, policy, constraint = [], affinity, platform }: ContainerOptions): CaravelaCreateOptions | undefined {
  const arch = platform === undefined ? undefined : archOf(platform);
  // A node takes its own platform of an image: another's runs on another node.
  const constraints = [...constraint, ...(arch === undefined ? [] : [`arch==${arch}`])];
  if (cpuClass === undefined && policy === undefined && constraints.length === 0 && affinity === undefined) return undefined;
  return {
    ...(cpuClass === undefined ? {} : { Class: cpuClass }),
    ...(policy === undefined ? {} : { Policy: policy }),
    ...(constraints.length === 0 ? {} : { Constraints: constraints }),
    ...(affinity === undefined ? {} : { Affinities: [...affinity] }),
  };
}
