import {
  Array as ArrayOf,
  Null,
  Object as ObjectOf,
  Optional,
  Record as RecordOf,
  String as StringOf,
  Union,
  Unknown,
  type Static,
} from 'typebox';
import type { Container } from '../../core/model/index.ts';
import type { Backend } from '../backend.ts';
import { changedConfig } from '../images/changes.ts';
import { wordsOf } from './check-process.ts';
import { factsOf } from './facts.ts';

const text = Optional(StringOf({ maxLength: 4096 }));
const words = Optional(Union([ArrayOf(StringOf({ maxLength: 131_072 }), { maxItems: 8192 }), Null()]));
const command = Optional(Union([ArrayOf(StringOf({ maxLength: 131_072 }), { maxItems: 8192 }), StringOf({ maxLength: 131_072 }), Null()]));
const keys = Optional(Union([RecordOf(StringOf(), Unknown()), Null()]));

/** Docker's Config, as far as an image has it. */
export const COMMIT_BODY = Union([
  ObjectOf({
    User: text,
    WorkingDir: text,
    StopSignal: text,
    Env: words,
    Cmd: command,
    Entrypoint: command,
    Labels: Optional(Union([RecordOf(StringOf(), StringOf()), Null()])),
    ExposedPorts: keys,
    Volumes: keys,
    Healthcheck: Optional(Unknown()),
    OnBuild: words,
  }),
  Null(),
]);

type Config = Readonly<Record<string, unknown>>;

/**
 * The configuration of an image of a container: its image's, what the container was given beside it, what the client
 * says of it, and instructions of a Dockerfile, each over the one before. And what made it: the container's own command.
 * @throws ApiError 400
 */
export async function committedConfig(
  backend: Backend,
  container: Container,
  body: Static<typeof COMMIT_BODY>,
  changes: readonly string[],
): Promise<{ readonly config: Config; readonly createdBy: string }> {
  const { spec, details, mounts } = await factsOf(backend, container);
  const base = (await backend.images.inspect(spec.image.digest).catch(() => undefined))?.config ?? {};
  const unnamed = mounts.flatMap(({ wish }) => (wish.kind === 'volume' && wish.anonymous ? [wish.target] : []));
  const own: Config = {
    ...base,
    User: details.user,
    WorkingDir: details.workingDir,
    Env: details.env,
    Cmd: details.command,
    Entrypoint: details.entrypoint,
    Labels: details.labels,
    StopSignal: details.stopSignal,
    ...keysOf('ExposedPorts', spec.exposedPorts ?? []),
    ...keysOf('Volumes', unnamed),
    ...healthcheckOf(spec.extras?.healthcheck),
  };
  return { config: changedConfig({ ...own, ...given(own, body ?? {}) }, changes), createdBy: (details.command ?? []).join(' ') };
}

const keysOf = (name: string, keys: readonly string[]): Config =>
  keys.length === 0 ? {} : { [name]: Object.fromEntries(keys.map((key) => [key, {}])) };

function healthcheckOf(
  check:
    | {
        readonly test: readonly string[];
        readonly interval: number;
        readonly timeout: number;
        readonly startPeriod: number;
        readonly retries: number;
      }
    | undefined,
): Config {
  if (check === undefined) return {};
  const { test, interval, timeout, startPeriod, retries } = check;
  return { Healthcheck: { Test: test, Interval: interval, Timeout: timeout, StartPeriod: startPeriod, Retries: retries } };
}

/** Docker's: what the client leaves empty stays; lists of names are joined. */
function given(own: Config, body: NonNullable<Static<typeof COMMIT_BODY>>): Config {
  const { User, WorkingDir, StopSignal, Env, Cmd, Entrypoint, Labels, ExposedPorts, Volumes, Healthcheck, OnBuild } = body;
  const texts = Object.entries({ User, WorkingDir, StopSignal }).filter(([, value]) => value !== undefined && value !== '');
  const [cmd, entrypoint] = [wordsOf(Cmd), wordsOf(Entrypoint)];
  const maps = Object.entries({ Labels, ExposedPorts, Volumes }).filter(([, value]) => Object.keys(value ?? {}).length > 0);
  const names = new Set((Env ?? []).map((entry) => entry.split('=')[0]));
  const kept = (own['Env'] as readonly string[]).filter((entry) => !names.has(entry.split('=')[0]));
  return {
    ...Object.fromEntries(texts),
    ...(cmd === null ? {} : { Cmd: cmd }),
    ...(entrypoint === null ? {} : { Entrypoint: entrypoint }),
    ...Object.fromEntries(maps.map(([key, value]) => [key, { ...(own[key] as object | undefined), ...value }])),
    ...((Env ?? []).length > 0 ? { Env: [...kept, ...(Env ?? [])] } : {}),
    ...(Healthcheck === undefined || Healthcheck === null ? {} : { Healthcheck }),
    ...((OnBuild ?? []).length > 0 ? { OnBuild } : {}),
  };
}
