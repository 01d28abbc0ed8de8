import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { debianDocker } from '../../test/lab/docker-cli.ts';
import { must, shell, until } from '../../test/lab/shell.ts';
import { UnixClient } from '../../test/lab/unix-client.ts';

/**
 * Debian's Docker Engine in a network namespace and directories of its own, with no bridge and no
 * firewall rules, so that nothing of it reaches the machine. It knows both runtimes.
 */
export class DockerEngine {
  readonly client: UnixClient;
  readonly version: string;
  readonly #daemon: ChildProcess;
  readonly #netns: string;

  private constructor(daemon: ChildProcess, netns: string, client: UnixClient, version: string) {
    this.#daemon = daemon;
    this.#netns = netns;
    this.client = client;
    this.version = version;
  }

  static async start(name: string, dir: string): Promise<DockerEngine> {
    const packages = await debianDocker('containerd');
    mkdirSync(dir, { recursive: true });
    const netns = `${name}-docker`;
    // What an interrupted run left.
    await shell(['ip', 'netns', 'del', netns]);
    await must(['ip', 'netns', 'add', netns]);
    await must(['ip', '-n', netns, 'link', 'set', 'lo', 'up']);
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
      await shell(['ip', 'netns', 'del', netns]);
      throw new Error(`${String(error)}\n${readFileSync(join(dir, 'dockerd.log'), 'utf8').split('\n').slice(-5).join('\n')}`);
    });
    return new DockerEngine(daemon, netns, client, (JSON.parse(body) as { Version: string }).Version);
  }

  async stop(): Promise<void> {
    this.client.close();
    const ended = once(this.#daemon, 'exit');
    this.#daemon.kill('SIGTERM');
    await ended;
    await shell(['ip', 'netns', 'del', this.#netns]);
    for (const tree of readdirSync('/sys/fs/cgroup')) {
      try {
        rmdirSync(join('/sys/fs/cgroup', tree, 'docker'));
      } catch {
        // Not in this tree.
      }
    }
  }
}
