import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export const RUNTIME_NAMES = ['crun', 'runc'] as const;
export type RuntimeName = (typeof RUNTIME_NAMES)[number];

/** A runtime that hangs this long on one command is given up. */
const COMMAND_TIMEOUT_MS = 60_000;

export type RuntimeStatus = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

/** One OCI runtime (runc or crun) and its directory of states. conmon runs its `create`. */
export class Runtime {
  readonly name: RuntimeName;
  readonly path: string;
  readonly root: string;

  constructor(name: RuntimeName, path: string, root: string) {
    this.name = name;
    this.path = path;
    this.root = root;
  }

  /** Lets a created container's process run. @throws RuntimeFailure */
  async start(id: string): Promise<void> {
    await this.#run('start', id);
  }

  /** undefined: the runtime knows no such container. */
  async status(id: string): Promise<RuntimeStatus | undefined> {
    try {
      const { status } = JSON.parse(await this.#run('state', id)) as { status: RuntimeStatus };
      return status;
    } catch {
      return undefined;
    }
  }

  /** Ends it if it runs, and forgets it; also what a killed `create` left half-made. */
  async delete(id: string): Promise<void> {
    try {
      await this.#run('delete', '--force', id);
    } catch {
      // What is left then is files: nothing that a later create could trip over may stay.
    }
    await rm(join(this.root, id), { recursive: true, force: true });
  }

  /** Makes a container without conmon, for the self-test. @throws RuntimeFailure */
  async create(id: string, bundle: string): Promise<void> {
    const log = join(bundle, 'runtime.log');
    // The container inherits the runtime's output: a pipe would end with the container only.
    const child = spawn(this.path, ['--root', this.root, '--log', log, 'create', '--bundle', bundle, id], { stdio: 'ignore' });
    const deadline = setTimeout(() => child.kill('SIGKILL'), COMMAND_TIMEOUT_MS);
    const [code] = (await once(child, 'exit').finally(() => clearTimeout(deadline))) as [number | null];
    if (code !== 0) throw new RuntimeFailure((await readFile(log, 'utf8').catch(() => '')) || `create ended with ${code}`);
  }

  async #run(...args: string[]): Promise<string> {
    try {
      const { stdout } = await execute(this.path, ['--root', this.root, ...args], { timeout: COMMAND_TIMEOUT_MS, killSignal: 'SIGKILL' });
      return stdout;
    } catch (error) {
      const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
      throw new RuntimeFailure(stderr === '' ? String(error) : stderr);
    }
  }
}

/** What the runtime said, as it said it. */
export class RuntimeFailure extends Error {
  override name = 'RuntimeFailure';
}
