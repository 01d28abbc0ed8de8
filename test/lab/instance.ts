import type { LabHost } from './lab-host.ts';
import { Lab, type LabOptions } from './lab.ts';
import { startRegistry } from './registry.ts';
import { until } from './shell.ts';

/** One row of `caravela nodes --format json`, as far as tests look. */
export interface NodeRow {
  /** `IP:PORT` */
  readonly address: string;
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly cpus: { readonly capacity: number; readonly reserved: number };
  readonly memory: { readonly capacity: number; readonly reserved: number };
  readonly containers: number;
  readonly role: string;
}

/** A running instance in a lab, with a registry. */
export interface LabInstance {
  readonly lab: Lab;
  /** `SUBNET.254:5000/busybox:1` */
  readonly image: string;
  /** `SUBNET.254:5000/tools:1`: busybox, ping and getent. */
  readonly tools: string;
  readonly token: string;
  down(): Promise<void>;
}

export interface InstanceOptions extends LabOptions {
  /** More words for `create` and `join` of a host, by its number. */
  readonly extra?: (number: number) => readonly string[];
  /** How many of the hosts are to be in the instance; the rest are there, and no nodes yet. */
  readonly joining?: number;
}

/** Makes a lab, creates an instance on host 1, lets the others join, and waits until all know each other. */
export async function startInstance(options: InstanceOptions): Promise<LabInstance> {
  const lab = new Lab(options);
  try {
    await lab.up();
    await startRegistry(lab);
    const first = lab.host(1);
    const extra = options.extra ?? (() => []);
    await first.ok(['create', first.ip, '--name', first.name, '--insecure-registry', `${lab.bridgeIp}:5000`, ...extra(1)]);
    const { token } = JSON.parse(await first.ok(['token', 'create', '--format', 'json'])) as { token: string };
    const joining = lab.hosts.slice(0, options.joining);
    for (const host of joining.slice(1)) {
      await host.ok(['join', host.ip, first.ip, '--name', host.name, '--token', token, ...extra(host.number)]);
    }
    for (const host of joining) await allAlive(host, joining.length);
    return { lab, image: `${lab.bridgeIp}:5000/busybox:1`, tools: `${lab.bridgeIp}:5000/tools:1`, token, down: () => lab.down() };
  } catch (error) {
    const logs = lab.hosts.map((host) => `--- ${host.name}\n${host.log().split('\n').slice(-15).join('\n')}`);
    await lab.down();
    throw new Error(`${(error as Error).message}\n${logs.join('\n')}`, { cause: error });
  }
}

export async function nodesSeenBy(host: LabHost): Promise<readonly NodeRow[]> {
  const text = await host.ok(['nodes', '--format', 'json']);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as NodeRow);
}

export async function allAlive(host: LabHost, count: number): Promise<void> {
  await until(`${host.name} to see ${count} alive nodes`, async () => {
    const rows = await nodesSeenBy(host);
    return rows.filter((row) => row.state === 'alive').length === count;
  });
}
