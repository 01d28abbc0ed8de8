import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { must, type Outcome, shell, type ShellOptions, until } from './shell.ts';

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'caravela');

export interface LabHostOptions {
  readonly name: string;
  readonly number: number;
  readonly netns: string;
  readonly ip: string;
  readonly dataDir: string;
  readonly runDir: string;
}

/** One host of a lab: a network namespace with a node's directories. */
export class LabHost {
  readonly name: string;
  readonly number: number;
  readonly netns: string;
  readonly ip: string;
  readonly dataDir: string;
  readonly runDir: string;

  constructor(options: LabHostOptions) {
    this.name = options.name;
    this.number = options.number;
    this.netns = options.netns;
    this.ip = options.ip;
    this.dataDir = options.dataDir;
    this.runDir = options.runDir;
  }

  get socket(): string {
    return join(this.runDir, 'caravela.sock');
  }

  /** A command on this host. */
  run(command: readonly string[], options: ShellOptions = {}): Promise<Outcome> {
    return shell(this.#inside(command), options);
  }

  /** `caravela ARGS` on this host, to its end. */
  caravela(args: readonly string[], options: ShellOptions = {}): Promise<Outcome> {
    return shell(this.#inside([BIN, ...args]), { ...options, env: { ...this.env(), ...options.env } });
  }

  /** The same; a failure is an error. Resolves to stdout, trimmed. */
  ok(args: readonly string[], options: ShellOptions = {}): Promise<string> {
    return must(this.#inside([BIN, ...args]), { ...options, env: { ...this.env(), ...options.env } });
  }

  env(): Readonly<Record<string, string>> {
    return { CARAVELA_DATA_DIR: this.dataDir, CARAVELA_RUN_DIR: this.runDir };
  }

  /** The words of a command on this host, for spawning it elsewhere. */
  words(args: readonly string[]): readonly string[] {
    return this.#inside([BIN, ...args]);
  }

  /** The daemon's process id; undefined where none runs. */
  daemonPid(): number | undefined {
    try {
      const pid = Number(readFileSync(join(this.runDir, 'daemon.pid'), 'utf8'));
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return commandLine.includes('daemon') ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  /** kill -9, and wait until it is gone. */
  async killDaemon(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const pid = this.daemonPid();
    if (pid === undefined) throw new Error(`no daemon runs on ${this.name}`);
    process.kill(pid, signal);
    await until(`the daemon of ${this.name} to end`, async () => !existsSync(`/proc/${pid}`));
  }

  async startDaemon(): Promise<void> {
    await this.ok(['daemon']);
  }

  log(): string {
    try {
      return readFileSync(join(this.dataDir, 'daemon.log'), 'utf8');
    } catch {
      return '';
    }
  }

  /** Ends the node without ceremony and removes its cgroups; the lab removes mounts and directories. */
  async destroy(): Promise<void> {
    if (this.daemonPid() !== undefined) await this.killDaemon();
    for (const pid of [...processesWith(this.dataDir), ...processesWith(this.runDir)]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    for (const cgroup of this.cgroups()) await removeCgroup(cgroup);
  }

  /** This node's cgroup directories, in every hierarchy. */
  cgroups(): readonly string[] {
    const id = this.#nodeShortId();
    if (id === undefined) return [];
    const root = '/sys/fs/cgroup';
    const candidates = [root, ...readdirSync(root).map((controller) => join(root, controller))];
    const trees = candidates.filter((dir) => existsSync(join(dir, 'cgroup.procs')));
    return trees.map((dir) => join(dir, `caravela-${id}`)).filter((dir) => existsSync(dir));
  }

  #nodeShortId(): string | undefined {
    try {
      return readFileSync(join(this.dataDir, 'node-id'), 'utf8').slice(0, 12);
    } catch {
      return undefined;
    }
  }

  #inside(command: readonly string[]): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.netns}`, ...command];
  }
}

/** Processes whose command line names a directory: conmons, and what runs below them. */
function processesWith(dir: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${dir}/`);
      } catch {
        return false;
      }
    });
}

async function removeCgroup(dir: string): Promise<void> {
  const members = (at: string): number[] => {
    try {
      return readFileSync(join(at, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
    } catch {
      return [];
    }
  };
  const children = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const child of children) await removeCgroup(join(dir, child.name));
  for (const pid of members(dir)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  await until(`${dir} to empty`, async () => members(dir).length === 0, 5000);
  rmdirSync(dir);
}
