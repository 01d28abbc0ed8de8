import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabHost } from './lab-host.ts';

/** What a node has in the kernel and in the process table: nothing of it may outlive a `leave`. */
export interface KernelState {
  readonly mounts: readonly string[];
  readonly cgroups: readonly string[];
  readonly processes: readonly string[];
  readonly links: readonly string[];
  readonly nftables: string;
}

export async function kernelState(host: LabHost): Promise<KernelState> {
  const dirs = [`${host.dataDir}/`, `${host.runDir}/`];
  const mine = (text: string) => dirs.some((dir) => text.includes(dir));
  const links = await host.run(['ip', '-o', '-br', 'link']);
  const nftables = await host.run(['nft', 'list', 'tables']);
  return {
    mounts: readFileSync('/proc/self/mounts', 'utf8').split('\n').filter(mine),
    cgroups: host.cgroups().flatMap(cgroupsBelow),
    processes: processes().filter(mine),
    links: links.stdout
      .split('\n')
      .map((line) => line.split(/[ @]/)[0] ?? '')
      .filter((name) => name !== '')
      .toSorted(),
    nftables: nftables.stdout.trim(),
  };
}

function cgroupsBelow(dir: string): readonly string[] {
  if (!existsSync(dir)) return [];
  const children = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return children.flatMap((child) => [join(dir, child.name), ...cgroupsBelow(join(dir, child.name))]);
}

function processes(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => {
      try {
        return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`;
      } catch {
        return '';
      }
    })
    .filter((line) => !line.includes(' nsenter ') && line !== '');
}
