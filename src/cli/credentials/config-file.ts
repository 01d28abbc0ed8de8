import { chmod, chown, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';

/** What of Docker's config.json concerns registries; the rest is kept as it is (docs.docker.com, docker CLI, configuration files). */
export interface DockerConfig {
  readonly auths: Readonly<Record<string, StoredAuth>>;
  /** Name of the helper that has all credentials; '': they are in the file. */
  readonly credsStore: string;
  /** Names of helpers by registry. */
  readonly credHelpers: Readonly<Record<string, string>>;
  /** All that the file says. */
  readonly whole: Readonly<Record<string, unknown>>;
}

/** Where a helper has the credentials, there is an empty one, which says that there are some. */
export interface StoredAuth {
  /** base64 of `user:password`. */
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** Longer than this no config is. */
const MAX_BYTES = 1024 * 1024;

/** In DOCKER_CONFIG, else in `~/.docker`: what Docker's own client uses, so that who has logged in there is logged in here. */
export function configPath(env: Io['env']): string {
  const directory = env.DOCKER_CONFIG === undefined || env.DOCKER_CONFIG === '' ? join(homeOf(env), '.docker') : env.DOCKER_CONFIG;
  return join(directory, 'config.json');
}

const homeOf = (env: Io['env']): string => (env.HOME === undefined || env.HOME === '' ? homedir() : env.HOME);

/** One that is not there says nothing. @throws Failure where it can't be read */
export async function readConfig(path: string): Promise<DockerConfig> {
  let text: string;
  try {
    if ((await stat(path)).size > MAX_BYTES) throw new Failure(`${path} is longer than ${MAX_BYTES} bytes: is it Docker's config.json?`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return parseConfig('{}', path);
    throw error;
  }
  return parseConfig(text, path);
}

/** @param path for messages @throws Failure naming what is wrong */
export function parseConfig(text: string, path: string): DockerConfig {
  let whole: unknown;
  try {
    whole = text.trim() === '' ? {} : JSON.parse(text);
  } catch (error) {
    throw new Failure(`${path} is not JSON (${error instanceof Error ? error.message : String(error)}): mend it, or set DOCKER_CONFIG`);
  }
  const { auths = {}, credsStore = '', credHelpers = {} } = recordOf(whole, path, 'it');
  if (typeof credsStore !== 'string') throw wrong(path, 'credsStore', 'a name');
  const helpers = recordOf(credHelpers, path, 'credHelpers');
  for (const [registry, name] of Object.entries(helpers)) {
    if (typeof name !== 'string') throw wrong(path, `credHelpers of ${JSON.stringify(registry)}`, 'a name');
  }
  const entries = Object.entries(recordOf(auths, path, 'auths')).map(([registry, auth]) => [registry, storedAuth(auth, path, registry)]);
  return {
    auths: Object.fromEntries(entries) as Record<string, StoredAuth>,
    credsStore,
    credHelpers: helpers as Record<string, string>,
    whole: whole as Record<string, unknown>,
  };
}

const FIELDS = ['auth', 'username', 'password', 'identitytoken', 'registrytoken'] as const;

function storedAuth(value: unknown, path: string, registry: string): StoredAuth {
  const what = `auths of ${JSON.stringify(registry)}`;
  const record = recordOf(value, path, what);
  for (const field of FIELDS) {
    if (record[field] !== undefined && typeof record[field] !== 'string') throw wrong(path, `${field} in ${what}`, 'a text');
  }
  return record;
}

function recordOf(value: unknown, path: string, what: string): Record<string, unknown> {
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw wrong(path, what, 'an object');
  return value as Record<string, unknown>;
}

const wrong = (path: string, what: string, wanted: string): Failure =>
  new Failure(`${path} is no config of Docker's: ${what} should be ${wanted}`);

/** Written beside it and put in its place; a new one is for its owner's eyes only, another stays whose it was. */
export async function writeConfig(path: string, { whole }: DockerConfig): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // One that is a link stays one.
  const final = await realpath(path).catch(() => path);
  const before = await stat(final).catch(() => undefined);
  const fresh = `${final}.${process.pid}.new`;
  try {
    await writeFile(fresh, `${JSON.stringify(whole, undefined, '\t')}\n`, { mode: 0o600, flag: 'wx' });
    if (before !== undefined) {
      await chown(fresh, before.uid, before.gid);
      await chmod(fresh, before.mode & 0o777);
    }
    await rename(fresh, final);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}
