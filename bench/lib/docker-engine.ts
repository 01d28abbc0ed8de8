import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { debianDocker } from '../../test/lab/docker-cli.ts';
import { must, shell, until } from '../../test/lab/shell.ts';
import { UnixClient } from '../../test/lab/unix-client.ts';

export interface DockerEngineOptions {
  /** Of a lab's host; one of its own if not said. */
  readonly netns?: string;
  readonly words?: readonly string[];
}

/**
 * Debian's Docker Engine in a network namespace and directories of its own, with no bridge and no
 * firewall rules, so that nothing of it reaches the machine. It knows both runtimes.
 */
export class DockerEngine {
  readonly client: UnixClient;
  readonly version: string;
  readonly #daemon: ChildProcess;
  /** undefined: not ours. */
  readonly #netns: string | undefined;

  private constructor(daemon: ChildProcess, netns: string | undefined, client: UnixClient, version: string) {
    this.#daemon = daemon;
    this.#netns = netns;
    this.client = client;
    this.version = version;
  }

  /** @param options a namespace that is there already, and more words for the daemon */
  static async start(name: string, dir: string, options: DockerEngineOptions = {}): Promise<DockerEngine> {
    const packages = await debianDocker('containerd');
    mkdirSync(dir, { recursive: true });
    const own = options.netns === undefined ? `${name}-docker` : undefined;
    if (own !== undefined) await freshNetns(own);
    const netns = options.netns ?? own;
    const words = [
      `--data-root=${dir}/data`,
      `--exec-root=${dir}/exec`,
      `--pidfile=${dir}/docker.pid`,
      `--host=unix://${dir}/docker.sock`,
      '--add-runtime=crun=/usr/bin/crun',
      '--bridge=none',
      '--iptables=false',
      '--ip-forward=false',
      '--ip-masq=false',
      '--userland-proxy=false',
      ...(options.words ?? []),
    ];
    const log = openSync(join(dir, 'dockerd.log'), 'a');
    const path = `${packages}/usr/bin:${packages}/usr/sbin:${process.env['PATH'] ?? ''}`;
    const daemon = spawn('nsenter', [`--net=/run/netns/${netns}`, `${packages}/usr/sbin/dockerd`, ...words], {
      stdio: ['ignore', log, log],
      env: { ...process.env, PATH: path },
    });
    const client = new UnixClient(join(dir, 'docker.sock'));
    const { body } = await until('dockerd to answer', () => client.ok('GET', '/version'), 60_000).catch(async (error: unknown) => {
      daemon.kill('SIGKILL');
      if (own !== undefined) await shell(['ip', 'netns', 'del', own]);
      throw new Error(`${String(error)}\n${readFileSync(join(dir, 'dockerd.log'), 'utf8').split('\n').slice(-5).join('\n')}`);
    });
    return new DockerEngine(daemon, own, client, (JSON.parse(body) as { Version: string }).Version);
  }

  async stop(): Promise<void> {
    this.client.close();
    const ended = once(this.#daemon, 'exit');
    this.#daemon.kill('SIGTERM');
    await ended;
    if (this.#netns !== undefined) await shell(['ip', 'netns', 'del', this.#netns]);
    for (const tree of readdirSync('/sys/fs/cgroup')) {
      try {
        rmdirSync(join('/sys/fs/cgroup', tree, 'docker'));
      } catch {
        // Not in this tree.
      }
    }
  }
}

async function freshNetns(name: string): Promise<void> {
  // What an interrupted run left.
  await shell(['ip', 'netns', 'del', name]);
  await must(['ip', 'netns', 'add', name]);
  await must(['ip', '-n', name, 'link', 'set', 'lo', 'up']);
}
