import { EngineError, type ContainerSpec } from '../port.ts';
import type { OciImageConfig } from './rootfs-provider.ts';

/** What runs in a container and how, image defaults merged in by Docker's rules. */
export interface ProcessConfig {
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[] | null;
  /** Entrypoint and command, at least one element. */
  readonly argv: readonly [string, ...string[]];
  /** What the process gets. */
  readonly env: readonly string[];
  /** Of it, what the request and the image say: what inspect shows and an image of the container keeps. Absent in records of older releases. */
  readonly configuredEnv?: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly user: string;
  readonly hostname: string;
  readonly stopSignal: string;
}

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** @param hostname of the container. @throws EngineError where nothing says what to run */
export function mergeProcessConfig(spec: ContainerSpec, image: OciImageConfig, hostname: string): ProcessConfig {
  const { entrypoint, command } = mergeCommand(spec, image);
  const [path, ...args] = [...(entrypoint ?? []), ...(command ?? [])];
  if (path === undefined) {
    throw new EngineError('engine-failed', `no command specified: neither the request nor image ${spec.image.reference} says what to run`);
  }
  const configuredEnv = configured(spec.env, image.Env ?? []);
  return {
    entrypoint,
    command,
    argv: [path, ...args],
    env: mergeEnvironment([DEFAULT_PATH, `HOSTNAME=${hostname}`, ...(spec.tty ? ['TERM=xterm'] : [])], configuredEnv),
    configuredEnv,
    labels: { ...image.Labels, ...spec.labels },
    workingDir: spec.workingDir || image.WorkingDir || '/',
    user: spec.user || image.User || '',
    hostname,
    stopSignal: spec.stopSignal || image.StopSignal || 'SIGTERM',
  };
}

/**
 * An entrypoint in the request takes the image's command away with the image's entrypoint; `[""]`
 * is Docker's way to say "no entrypoint".
 */
function mergeCommand(spec: ContainerSpec, image: OciImageConfig): Pick<ProcessConfig, 'entrypoint' | 'command'> {
  const asked = spec.entrypoint;
  const imageCommand = asked === null || asked.length === 0 ? (image.Cmd ?? null) : null;
  const command = spec.command !== null && spec.command.length > 0 ? spec.command : imageCommand;
  const entrypoint = asked ?? image.Entrypoint ?? null;
  const none = entrypoint === null || entrypoint.length === 0 || (entrypoint.length === 1 && entrypoint[0] === '');
  return { entrypoint: none ? null : entrypoint, command };
}

/** The request's as they are, then what the image has beside them: Docker's order. */
function configured(asked: readonly string[], ofImage: readonly string[]): string[] {
  const names = new Set(asked.map(nameOf));
  return [...asked, ...ofImage.filter((entry) => !names.has(nameOf(entry)))];
}

const nameOf = (entry: string): string => entry.split('=', 1)[0] ?? '';

/** Later lists win, each variable staying where it first stood; a bare `NAME` takes the variable away. */
export function mergeEnvironment(...lists: readonly (readonly string[])[]): string[] {
  const merged = new Map<string, string>();
  for (const entry of lists.flat()) {
    const equals = entry.indexOf('=');
    if (equals < 0) merged.delete(entry);
    else merged.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  return [...merged].map(([name, value]) => `${name}=${value}`);
}
