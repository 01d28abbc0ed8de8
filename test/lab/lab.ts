import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LabHost } from './lab-host.ts';
import { must, shell } from './shell.ts';

export interface LabOptions {
  /** Names everything it makes: namespaces, links, directories. At most 8 of a-z and digits. */
  readonly name: string;
  readonly hosts: number;
  /** Under it lie the hosts' data and run directories. */
  readonly dir: string;
  /** First three octets of the lab's /24. */
  readonly subnet?: string;
  readonly hostNames?: readonly string[];
  /** Where the hosts' data directories lie, if not under `dir`. */
  readonly dataRoot?: string;
}

/**
 * Several hosts on one machine: each is a network namespace, joined by veth to a bridge that lives in
 * a namespace of its own, so that neither the machine's firewall nor its links have a part in it.
 * Host n has address SUBNET.n, the bridge (where a registry runs) SUBNET.254.
 */
export class Lab {
  readonly name: string;
  readonly dir: string;
  readonly subnet: string;
  readonly hosts: readonly LabHost[];
  readonly switchNetns: string;
  readonly bridgeIp: string;

  /** Describes; makes nothing. */
  constructor(options: LabOptions) {
    this.name = options.name;
    this.dir = resolve(options.dir);
    this.subnet = options.subnet ?? '10.77.0';
    this.switchNetns = `${options.name}-switch`;
    this.bridgeIp = `${this.subnet}.254`;
    this.hosts = Array.from({ length: options.hosts }, (_, i) => {
      const name = options.hostNames?.[i] ?? `host${i + 1}`;
      return new LabHost({
        name,
        number: i + 1,
        netns: `${options.name}-${i + 1}`,
        ip: `${this.subnet}.${i + 1}`,
        dataDir: join(options.dataRoot ?? this.dir, name),
        runDir: join(this.dir, 'run', name),
      });
    });
  }

  host(number: number): LabHost {
    const host = this.hosts[number - 1];
    if (host === undefined) throw new Error(`the lab ${this.name} has ${this.hosts.length} hosts, no host ${number}`);
    return host;
  }

  /** Makes the network. What an earlier run left is taken down first. */
  async up(): Promise<void> {
    await this.down();
    mkdirSync(this.dir, { recursive: true });
    await must(['ip', 'netns', 'add', this.switchNetns]);
    const inSwitch = (...args: string[]) => must(['ip', '-n', this.switchNetns, ...args]);
    await inSwitch('link', 'set', 'lo', 'up');
    await inSwitch('link', 'add', 'br0', 'type', 'bridge');
    await inSwitch('addr', 'add', `${this.bridgeIp}/24`, 'dev', 'br0');
    await inSwitch('link', 'set', 'br0', 'up');
    for (const host of this.hosts) {
      await must(['ip', 'netns', 'add', host.netns]);
      await must(['ip', '-n', host.netns, 'link', 'set', 'lo', 'up']);
      await inSwitch('link', 'add', `p${host.number}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host.netns);
      await inSwitch('link', 'set', `p${host.number}`, 'master', 'br0', 'up');
      await must(['ip', '-n', host.netns, 'addr', 'add', `${host.ip}/24`, 'dev', 'eth0']);
      await must(['ip', '-n', host.netns, 'link', 'set', 'eth0', 'up']);
      await must(['ip', '-n', host.netns, 'route', 'add', 'default', 'via', this.bridgeIp]);
    }
  }

  /** Plugs a host's cable out or in. */
  async cable(host: LabHost, plugged: boolean): Promise<void> {
    await must(['ip', '-n', this.switchNetns, 'link', 'set', `p${host.number}`, plugged ? 'up' : 'down']);
  }

  /** Ends every process that runs in the lab and removes all that it made. Safe to repeat. */
  async down(): Promise<void> {
    for (const host of this.hosts) await host.destroy();
    for (const netns of [...this.hosts.map((h) => h.netns), this.switchNetns]) {
      if (!existsSync(`/run/netns/${netns}`)) continue;
      const pids = (await shell(['ip', 'netns', 'pids', netns])).stdout.split('\n').filter((pid) => pid !== '');
      for (const pid of pids) kill(Number(pid));
      await shell(['ip', 'netns', 'del', netns]);
    }
    const dirs = [this.dir, ...this.hosts.flatMap((host) => [host.dataDir, host.runDir])];
    for (const mount of dirs.flatMap(mountsBelow)) await shell(['umount', '-l', mount]);
    for (const dir of dirs) rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

/** Mount points below a directory, deepest first. */
export function mountsBelow(dir: string): readonly string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${dir}/`))
    .toSorted((a, b) => b.length - a.length);
}
