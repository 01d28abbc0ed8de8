import { spawn } from 'node:child_process';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';

/** What a helper keeps of a registry. */
export interface HelperEntry {
  readonly ServerURL: string;
  /** `<token>` where the secret is an identity token. */
  readonly Username: string;
  readonly Secret: string;
}

/** Some ask their user, or a service far away. */
const TIMEOUT_MS = 60_000;
const MAX_BYTES = 1024 * 1024;
/** What helpers say of what they do not have (docker-credential-helpers, credentials/error.go). */
const NOT_FOUND = 'credentials not found in native keychain';

/**
 * Asks `docker-credential-NAME`: one word says what is wanted, the rest goes over its input and output
 * (docs.docker.com, docker login, Credential helper protocol). All methods throw a Failure in its words.
 */
export class CredentialHelper {
  readonly program: string;
  readonly #env: Io['env'];

  constructor(name: string, env: Io['env']) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
      throw new Failure(`${JSON.stringify(name)} in Docker's config.json is no name of a credential helper`);
    this.program = `docker-credential-${name}`;
    this.#env = env;
  }

  /** undefined: it has none. */
  async get(registry: string): Promise<HelperEntry | undefined> {
    const { code, out, err } = await this.#run('get', registry);
    if (code !== 0 && out.trim() === NOT_FOUND) return undefined;
    if (code !== 0) throw this.#failed('get', out, err, code);
    return this.#entry(out);
  }

  async store(entry: HelperEntry): Promise<void> {
    const { code, out, err } = await this.#run('store', JSON.stringify(entry));
    if (code !== 0) throw this.#failed('store', out, err, code);
  }

  /** Also where it has none. */
  async erase(registry: string): Promise<void> {
    const { code, out, err } = await this.#run('erase', registry);
    if (code !== 0 && out.trim() !== NOT_FOUND) throw this.#failed('erase', out, err, code);
  }

  #entry(text: string): HelperEntry {
    try {
      const { ServerURL = '', Username, Secret } = JSON.parse(text) as Partial<HelperEntry>;
      if (typeof Username === 'string' && typeof Secret === 'string') return { ServerURL, Username, Secret };
    } catch {
      // Told below: what it said may hold a secret, so it is not shown.
    }
    throw new Failure(`${this.program} get answered with no credentials: is it a credential helper?`);
  }

  async #run(verb: 'get' | 'store' | 'erase', input: string): Promise<{ code: number; out: string; err: string }> {
    const child = spawn(this.program, [verb], { stdio: ['pipe', 'pipe', 'pipe'], env: this.#env });
    const texts = { out: '', err: '' };
    let cutOff: string | undefined;
    const stop = (why: string): void => {
      cutOff ??= why;
      child.kill('SIGKILL');
      // A process of its own may hold the other ends, and would be waited for.
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    };
    const gather = (key: 'out' | 'err') => (chunk: Buffer) => {
      if (texts[key].length + chunk.length > MAX_BYTES) stop(`answered with more than ${MAX_BYTES} bytes`);
      else texts[key] += chunk.toString();
    };
    child.stdout.on('data', gather('out'));
    child.stderr.on('data', gather('err'));
    // One that ended without reading says why on its output.
    child.stdin.on('error', () => undefined);
    const timer = setTimeout(() => stop(`did not answer within ${TIMEOUT_MS / 1_000} s`), TIMEOUT_MS);
    try {
      const code = await new Promise<number>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (status) => resolve(status ?? 1));
        child.stdin.end(`${input}\n`);
      });
      if (cutOff !== undefined) throw new Failure(`${this.program} ${verb} ${cutOff}`);
      return { code, ...texts };
    } catch (error) {
      if (error instanceof Failure) throw error;
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      const why = isMissing ? 'it is not in PATH: install it, or take it out of config.json' : String(error);
      throw new Failure(`cannot run ${this.program}, which Docker's config.json names: ${why}`);
    } finally {
      clearTimeout(timer);
    }
  }

  #failed(verb: string, out: string, err: string, code: number): Failure {
    const said = (out.trim() || err.trim()).slice(0, 300);
    return new Failure(`${this.program} ${verb} failed: ${said === '' ? `it ended with ${code}` : said}`);
  }
}
