import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Prng } from '../../../src/lib/prng.ts';
import type { Lab } from '../lab.ts';
import type { LabHost } from '../lab-host.ts';
import type { Journal } from './journal.ts';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What goes wrong on hosts, one thing after the other, and is put right again. */
export class Faults {
  readonly #lab: Lab;
  readonly #random: Prng;
  readonly #journal: Journal;
  readonly #victim: (host: LabHost) => Promise<number | undefined>;
  readonly counts = new Map<string, number>();
  #over = false;
  #running: Promise<void> = Promise.resolve();

  /** @param victim a process on a host that may be ended, of a container */
  constructor(lab: Lab, random: Prng, journal: Journal, victim: (host: LabHost) => Promise<number | undefined>) {
    this.#lab = lab;
    this.#victim = victim;
    this.#random = random;
    this.#journal = journal;
  }

  begin(): void {
    this.#over = false;
    this.#running = this.#go().catch((error: unknown) =>
      this.#journal.fault(`a fault could not be made or put right: ${String(error)}`, []),
    );
  }

  /** When all is put right. */
  async end(): Promise<void> {
    this.#over = true;
    await this.#running;
  }

  async #go(): Promise<void> {
    const kinds = { cable: 4, 'kill daemon': 3, 'end daemon': 1, 'kill etcd': 2, damage: 4 } as const;
    const urn = Object.entries(kinds).flatMap(([kind, weight]) => Array.from({ length: weight }, () => kind as keyof typeof kinds));
    while (!this.#over) {
      await sleep(300 + this.#random.int(2_500));
      const kind = this.#random.pick(urn);
      const host = this.#random.pick(this.#lab.hosts);
      if (this.#over || kind === undefined || host === undefined) return;
      this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
      this.#journal.note(`fault: ${kind} of ${host.name}`, ['all']);
      if (kind === 'cable') await this.#pull(host);
      else if (kind === 'damage') await this.#damage(host);
      else if (kind === 'kill etcd') this.#killEtcd(host);
      else await this.#restart(host, kind === 'kill daemon' ? 'SIGKILL' : 'SIGTERM');
    }
  }

  async #pull(host: LabHost): Promise<void> {
    await this.#lab.cable(host, false);
    await sleep(200 + this.#random.int(this.#random.chance(0.2) ? 12_000 : 4_000));
    await this.#lab.cable(host, true);
    this.#journal.note(`the cable of ${host.name} is in again`, ['all']);
  }

  async #restart(host: LabHost, signal: NodeJS.Signals): Promise<void> {
    const pid = this.#random.chance(0.3) ? await this.#victim(host) : undefined;
    await host.killDaemon(signal);
    // What ends now nobody sees.
    if (pid !== undefined) killed(pid);
    await sleep(this.#random.int(1_500));
    await host.startDaemon();
    this.#journal.note(`the daemon of ${host.name} is back`, ['all']);
  }

  #killEtcd(host: LabHost): void {
    try {
      const { pid } = JSON.parse(readFileSync(join(host.dataDir, 'agreement', 'etcd.process'), 'utf8')) as { pid: number };
      process.kill(pid, 'SIGKILL');
    } catch {
      this.#journal.note(`${host.name} runs no etcd`, ['all']);
    }
  }

  /** What somebody at a keyboard might do to the kernel. */
  async #damage(host: LabHost): Promise<void> {
    const tunnels = await this.#words(host, ['ip', '-o', 'link', 'show', 'type', 'vxlan'], /^\d+: (\S+?)[:@]/);
    const ports = await this.#words(host, ['ip', '-o', 'link', 'show', 'type', 'veth'], /^\d+: (cv\w+)@/);
    const bridges = await this.#words(host, ['ip', '-o', 'link', 'show', 'type', 'bridge'], /^\d+: (cv\S+?)[:@]/);
    const tunnel = this.#random.pick(tunnels) ?? '';
    const port = this.#random.pick(ports) ?? '';
    const bridge = this.#random.pick(bridges) ?? '';
    const routes = await this.#words(host, ['ip', 'route', 'show', 'dev', tunnel], /^(\S+) /);
    const macs = await this.#words(host, ['bridge', 'fdb', 'show', 'dev', tunnel], /^(\S+) dst/);
    const harms = [
      ['ip', 'route', 'del', this.#random.pick(routes) ?? '', 'dev', tunnel],
      ['ip', 'neigh', 'flush', 'dev', tunnel, 'nud', 'permanent'],
      ['bridge', 'fdb', 'del', this.#random.pick(macs) ?? '', 'dev', tunnel],
      ['ip', 'link', 'set', tunnel, 'down'],
      ['ip', 'link', 'del', tunnel],
      ['ip', 'link', 'set', port, 'nomaster'],
      ['ip', 'link', 'del', port],
      ['ip', 'link', 'set', bridge, 'down'],
      ['ip', 'link', 'del', bridge],
    ];
    const harm = this.#random.pick(harms);
    if (harm === undefined || harm.includes('')) return;
    this.#journal.note(`on ${host.name}: ${harm.join(' ')}`, ['all']);
    await host.run(harm);
  }

  async #words(host: LabHost, command: readonly string[], pattern: RegExp): Promise<readonly string[]> {
    if (command.includes('')) return [];
    const { stdout } = await host.run(command);
    return stdout.split('\n').flatMap((row) => pattern.exec(row)?.[1] ?? []);
  }
}

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
