import type { ExecSpec } from '../../port.ts';
import { containerCapabilities } from '../capabilities.ts';
import type { ContainerUser } from '../container-user.ts';
import { mergeEnvironment, type ProcessConfig } from '../process-config.ts';
import type { RuntimeSpec } from '../runtime-spec.ts';

/** What of a container an exec in it takes over. */
export interface ExecHome {
  /** As its first process was started: the runtime passes none of it on. */
  readonly first: RuntimeSpec['process'];
  readonly config: Pick<ProcessConfig, 'env' | 'configuredEnv' | 'workingDir'>;
}

/**
 * process.json of an exec, as Docker makes it: the container's process, with what was asked for instead. Pure.
 * @param user undefined: the container's own. @param own capabilities this daemon can give
 */
export function execProcess(
  spec: ExecSpec,
  { first, config }: ExecHome,
  user: ContainerUser | undefined,
  own: ReadonlySet<string>,
): RuntimeSpec['process'] {
  const { consoleSize: _, ...inherited } = first;
  const env = mergeEnvironment(spec.tty ? ['TERM=xterm'] : [], withoutTerminal(config), spec.env);
  const hasHome = env.some((entry) => entry.startsWith('HOME='));
  const home = user === undefined ? first.env.findLast((entry) => entry.startsWith('HOME=')) : `HOME=${user.home}`;
  const { bounding } = first.capabilities;
  const uid = user?.uid ?? first.user.uid;
  return {
    ...inherited,
    terminal: spec.tty,
    ...(spec.tty && spec.terminalSize !== undefined
      ? { consoleSize: { height: spec.terminalSize.rows, width: spec.terminalSize.columns } }
      : {}),
    ...(user === undefined ? {} : { user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids } }),
    args: spec.argv,
    env: hasHome || home === undefined ? env : [...env, home],
    cwd: spec.workingDir || config.workingDir,
    capabilities: spec.privileged ? privileged(own) : { ...first.capabilities, ...ofUser(uid, bounding) },
  };
}

/** TERM tells of a process's own terminal, unless somebody set it. */
function withoutTerminal({ env, configuredEnv }: ExecHome['config']): readonly string[] {
  const isTerm = (entry: string): boolean => entry.startsWith('TERM=');
  return configuredEnv === undefined || configuredEnv.some(isTerm) ? env : env.filter((entry) => !isTerm(entry));
}

/** As Docker has it: whoever is not root loses them with execve(2). */
function privileged(own: ReadonlySet<string>) {
  const all = containerCapabilities(['ALL'], [], own);
  return { bounding: all, effective: all, permitted: all };
}

function ofUser(uid: number, bounding: readonly string[]) {
  const held = uid === 0 ? [...bounding] : [];
  return { effective: held, permitted: held };
}
