import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { debianDockerCli } from '../../lab/docker-cli.ts';
import { Pty, type PtyOptions } from '../../lab/pty.ts';
import { must, type Outcome, shell, type ShellOptions } from '../../lab/shell.ts';
import type { World } from './world.ts';

/** A client of Docker's, by its path. */
export interface DockerCliVersion {
  /** `20.10.24` */
  readonly version: string;
  readonly path: string;
}

/** Debian's, and one of another version where this machine's PATH has one. */
export async function dockerCliVersions(): Promise<readonly [DockerCliVersion, DockerCliVersion | undefined]> {
  const debian = { path: await debianDockerCli(), version: '' };
  const debianVersion = versionOf(debian.path) ?? 'of Debian';
  const others = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((dir) => join(dir, 'docker'))
    .filter((path) => existsSync(path))
    .map((path) => ({ path: realpathSync(path), version: versionOf(path) ?? '' }));
  const isOther = ({ version }: DockerCliVersion) => version !== '' && version !== debianVersion;
  return [{ ...debian, version: debianVersion }, others.find(isOther)];
}

function versionOf(path: string): string | undefined {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  return /Docker version (\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1];
}

/** One client against one daemon. */
export class DockerCli {
  readonly #path: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #place: readonly string[];
  readonly #ptys: Pty[] = [];

  constructor(path: string, { socket, dir, place }: World) {
    this.#path = path;
    this.#place = place.flatMap((word) => ['-e', word]);
    // A home without anyone's configuration, and no advice.
    this.#env = { DOCKER_HOST: `unix://${socket}`, HOME: join(dir, 'home'), DOCKER_CLI_HINTS: 'false' };
  }

  run(words: readonly string[], options: ShellOptions = {}): Promise<Outcome> {
    return shell(this.#words(words), { ...options, env: { ...this.#env, ...options.env } });
  }

  /** As `run`; a failure is an error. Resolves to stdout, trimmed. */
  ok(...words: readonly string[]): Promise<string> {
    return must(this.#words(words), { env: this.#env });
  }

  /** To its end, which is to be a refusal: its code and what it says of it. */
  async refused(...words: readonly string[]): Promise<readonly [code: number, stderr: string]> {
    const { code, stderr } = await this.run(words);
    return [code, stderr];
  }

  spawn(...words: readonly string[]): ChildProcess {
    const [program = '', ...args] = this.#words(words);
    return spawn(program, args, { env: { ...process.env, ...this.#env }, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  pty(words: readonly string[], options: PtyOptions = {}): Pty {
    const pty = new Pty(this.#words(words), { ...options, env: { ...this.#env } });
    this.#ptys.push(pty);
    return pty;
  }

  /** Ends what still is at a terminal. */
  async killPtys(): Promise<void> {
    for (const pty of this.#ptys.splice(0)) await pty.kill();
  }

  /** `run` and `create` say where to: on no network, as networks have tests of their own. */
  #words([verb = '', ...rest]: readonly string[]): readonly string[] {
    const placed = verb === 'run' || verb === 'create' ? [...this.#place, '--network', 'none'] : [];
    return [this.#path, verb, ...placed, ...rest];
  }
}
