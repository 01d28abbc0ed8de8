import type { RegistryAuth } from '../../docker-api/types.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { configPath, type DockerConfig, readConfig, type StoredAuth, writeConfig } from './config-file.ts';
import { CredentialHelper } from './helper.ts';
import { hostOf, registryKey } from './registry-key.ts';

/** The name under which helpers keep identity tokens. */
const TOKEN_USER = '<token>';

/** Where credentials are kept: in Docker's config.json, or with the helper it names. */
export class CredentialStore {
  readonly path: string;
  readonly #config: DockerConfig;
  readonly #env: Io['env'];

  /** @throws Failure */
  static async open(env: Io['env']): Promise<CredentialStore> {
    const path = configPath(env);
    return new CredentialStore(path, await readConfig(path), env);
  }

  private constructor(path: string, config: DockerConfig, env: Io['env']) {
    this.path = path;
    this.#config = config;
    this.#env = env;
  }

  /** Whether what is kept of this registry lies in the file, where its owner can read it. */
  isPlain(registry: string): boolean {
    return this.#helperName(registryKey(registry)) === '';
  }

  /** undefined: one may try without. */
  async get(registry: string): Promise<RegistryAuth | undefined> {
    const key = registryKey(registry);
    const helper = this.#helper(key);
    if (helper === undefined) {
      const stored = this.#stored(key);
      return stored === undefined ? undefined : decode(stored, key, this.path);
    }
    const entry = await helper.get(key);
    if (entry === undefined) return undefined;
    const { Username, Secret } = entry;
    return Username === TOKEN_USER
      ? { identitytoken: Secret, serveraddress: key }
      : { username: Username, password: Secret, serveraddress: key };
  }

  async set(registry: string, { username = '', password = '', identitytoken = '' }: RegistryAuth): Promise<void> {
    const key = registryKey(registry);
    const helper = this.#helper(key);
    const isToken = identitytoken !== '';
    if (helper !== undefined) {
      const kept = isToken ? { Username: TOKEN_USER, Secret: identitytoken } : { Username: username, Secret: password };
      await helper.store({ ServerURL: key, ...kept });
    }
    const auth = Buffer.from(`${username}:${isToken ? '' : password}`).toString('base64');
    await this.#write(key, helper === undefined ? { auth, ...(isToken ? { identitytoken } : {}) } : {});
  }

  /** @returns whether there were any */
  async erase(registry: string): Promise<boolean> {
    const key = registryKey(registry);
    const helper = this.#helper(key);
    const had = this.#stored(key) !== undefined || (helper !== undefined && (await helper.get(key)) !== undefined);
    if (!had) return false;
    await helper?.erase(key);
    await this.#write(key, undefined);
    return true;
  }

  #helperName(key: string): string {
    const { credHelpers, credsStore } = this.#config;
    // The names of Docker's own registry all mean it.
    const found = Object.entries(credHelpers).find(([registry]) => registryKey(registry) === key);
    return found?.[1] ?? credsStore;
  }

  #helper(key: string): CredentialHelper | undefined {
    const name = this.#helperName(key);
    return name === '' ? undefined : new CredentialHelper(name, this.#env);
  }

  #stored(key: string): StoredAuth | undefined {
    const { auths } = this.#config;
    return Object.hasOwn(auths, key) ? auths[key] : Object.entries(auths).find(([registry]) => hostOf(registry) === hostOf(key))?.[1];
  }

  /** @param auth undefined: none any more */
  async #write(key: string, auth: StoredAuth | undefined): Promise<void> {
    const kept = Object.entries(this.#config.auths).filter(([registry]) => registry !== key && hostOf(registry) !== hostOf(key));
    const auths = Object.fromEntries(auth === undefined ? kept : [...kept, [key, auth]]);
    await writeConfig(this.path, { ...this.#config, auths, whole: { ...this.#config.whole, auths } });
  }
}

/** What the file has of a registry. @throws Failure where `auth` can't be read */
export function decode(stored: StoredAuth, key: string, path: string): RegistryAuth | undefined {
  const { auth = '', identitytoken = '', registrytoken = '' } = stored;
  let { username = '', password = '' } = stored;
  if (auth !== '') {
    const text = Buffer.from(auth, 'base64').toString('utf8');
    const at = text.indexOf(':');
    if (at < 0) throw new Failure(`the auth of ${JSON.stringify(key)} in ${path} is not base64 of USER:PASSWORD: log in anew`);
    username = text.slice(0, at);
    // Docker's client takes trailing zeros for padding.
    password = text.slice(at + 1).replace(/\0+$/, '');
  }
  if (username === '' && password === '' && identitytoken === '' && registrytoken === '') return undefined;
  return {
    ...(username === '' ? {} : { username }),
    ...(password === '' || identitytoken !== '' ? {} : { password }),
    ...(identitytoken === '' ? {} : { identitytoken }),
    ...(registrytoken === '' ? {} : { registrytoken }),
    serveraddress: key,
  };
}
