import { assertNever } from '../../lib/assert.ts';
import { ApiError } from '../http/api-error.ts';
import { parseChange } from './parse-change.ts';

type Config = Readonly<Record<string, unknown>>;

/** Instructions of one image. */
const CHANGES = 128;

/**
 * An image's `config` with instructions of a Dockerfile applied, as `import --change` and `commit --change` have them
 * (Docker: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR). @throws ApiError 400
 */
export function changedConfig(config: Config, given: readonly string[]): Config {
  const changes = linesOf(given);
  if (changes.length > CHANGES) throw new ApiError(400, `an image may be given ${CHANGES} changes at once, got ${changes.length}`);
  let isCommandNew = false;
  let changed = config;
  for (const line of changes) {
    const change = changeOf(changed, line, isCommandNew);
    isCommandNew ||= change['Cmd'] !== undefined;
    changed = { ...changed, ...change };
  }
  return changed;
}

/** Of a Dockerfile, as Docker reads them: one that ends in a backslash goes on, one that begins with # says nothing. */
const linesOf = (given: readonly string[]): readonly string[] =>
  given
    .join('\n')
    .replaceAll(/\\[ \t]*\r?\n/g, '')
    .split(/\r?\n/)
    .filter((line) => !/^\s*(#|$)/.test(line));

/** @param isCommandNew the command was set by an instruction before this one */
function changeOf(config: Config, line: string, isCommandNew: boolean): Config {
  const env = textsOf(config['Env']);
  const valueOf = (name: string): string | undefined => env.findLast((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
  const { instruction, rest, value, list, pairs, words } = parseChange(line, valueOf);
  switch (instruction) {
    case 'CMD':
      return { Cmd: list ?? shell(config, rest) };
    case 'ENTRYPOINT':
      // Docker: the command that was is meant for the entry point that was.
      return { Entrypoint: list ?? shell(config, rest), ...(isCommandNew ? {} : { Cmd: undefined }) };
    case 'ENV':
      return { Env: withEnv(env, pairs()) };
    case 'LABEL':
      return { Labels: { ...recordOf(config['Labels']), ...Object.fromEntries(pairs()) } };
    case 'EXPOSE':
      return { ExposedPorts: { ...recordOf(config['ExposedPorts']), ...Object.fromEntries(words.map((word) => [portOf(word), {}])) } };
    case 'VOLUME':
      return { Volumes: { ...recordOf(config['Volumes']), ...Object.fromEntries((list ?? words).map((path) => [path, {}])) } };
    case 'ONBUILD':
      return { OnBuild: [...textsOf(config['OnBuild']), rest] };
    case 'USER':
      return { User: value };
    case 'STOPSIGNAL':
      return { StopSignal: value };
    case 'WORKDIR':
      return { WorkingDir: value.startsWith('/') ? value : `${textOf(config['WorkingDir']).replace(/\/$/, '')}/${value}` };
    case 'HEALTHCHECK':
      return { Healthcheck: healthcheckOf(rest, line) };
    default:
      return assertNever(instruction);
  }
}

const shell = (config: Config, command: string): readonly string[] => {
  const own = textsOf(config['Shell']);
  return [...(own.length > 0 ? own : ['/bin/sh', '-c']), command];
};

function withEnv(env: readonly string[], pairs: readonly (readonly [string, string])[]): readonly string[] {
  // What is set anew stays where it was.
  return pairs.reduce<readonly string[]>((before, [name, value]) => {
    const entry = `${name}=${value}`;
    const at = before.findIndex((each) => each.split('=', 1)[0] === name);
    return at < 0 ? [...before, entry] : before.with(at, entry);
  }, env);
}

/** @throws ApiError 400 */
function portOf(word: string): string {
  const [, port, protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? [];
  if (port !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return `${Number(port)}/${protocol.toLowerCase()}`;
  throw new ApiError(400, `EXPOSE takes ports as 80 or 53/udp, got ${JSON.stringify(word.slice(0, 80))}`);
}

/** Durations in nanoseconds. @throws ApiError 400 */
function healthcheckOf(rest: string, line: string): object {
  if (/^none$/i.test(rest)) return { Test: ['NONE'] };
  const options: Record<string, number> = {};
  let left = rest;
  for (let found = HEALTH_OPTION.exec(left); found !== null; found = HEALTH_OPTION.exec(left)) {
    const [whole, name = '', value = ''] = found;
    const key = HEALTH_KEYS[name];
    if (key === undefined) throw new ApiError(400, `HEALTHCHECK has no option --${name}`);
    options[key] = key === 'Retries' ? Number(value) : nanosecondsOf(value);
    left = left.slice(whole.length);
  }
  const [, command] = /^CMD\s+(.+)$/is.exec(left) ?? [];
  if (command === undefined || Object.values(options).some((value) => !Number.isSafeInteger(value) || value < 0)) {
    throw new ApiError(400, `HEALTHCHECK is written NONE, or [--interval=30s …] CMD command, got ${JSON.stringify(line.slice(0, 120))}`);
  }
  const argv = parseChange(`CMD ${command}`, () => undefined).list;
  return { Test: argv === undefined ? ['CMD-SHELL', command] : ['CMD', ...argv], ...options };
}

const HEALTH_OPTION = /^--([a-z-]+)=(\S+)\s+/;
const HEALTH_KEYS: Readonly<Record<string, string>> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  retries: 'Retries',
};
const UNITS_NS: Readonly<Record<string, number>> = { ms: 1e6, s: 1e9, m: 60e9, h: 3_600e9 };

function nanosecondsOf(text: string): number {
  if (!/^(\d+(ms|[smh]))+$/.test(text)) return Number.NaN;
  return [...text.matchAll(/(\d+)(ms|[smh])/g)].reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNITS_NS[unit] ?? 0), 0);
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

function recordOf(value: unknown): Config {
  return typeof value === 'object' && value !== null ? (value as Config) : {};
}
