import { readFileSync } from 'node:fs';
import { arch, availableParallelism, networkInterfaces, release, totalmem } from 'node:os';
import { createSocket } from 'node:dgram';
import type { Resources } from '../core/model/index.ts';

/** Go's names for Node's architectures, as OCI image indexes have them. */
const ARCHES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'arm',
  riscv64: 'riscv64',
  ppc64: 'ppc64le',
  s390x: 's390x',
};

export function hostArch(): string {
  return ARCHES[arch()] ?? arch();
}

/** OCI's variant of the architecture, where it has one: v8 for arm64, v6 or v7 for arm. */
export function hostVariant(): string {
  if (arch() === 'arm64') return 'v8';
  if (arch() !== 'arm') return '';
  return `v${(process.config.variables as { arm_version?: string }).arm_version ?? '7'}`;
}

export function hostCapacity(): Resources {
  return { cpuMillicores: availableParallelism() * 1000, memoryBytes: totalmem() };
}

export function kernelVersion(): string {
  return release();
}

/** PRETTY_NAME of os-release(5). */
export function operatingSystem(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  } catch {
    return 'Linux';
  }
}

export interface HostAddress {
  readonly ip: string;
  readonly interface: string;
}

/** Addresses of this host that others could reach, IPv4 first. */
export function hostAddresses(): readonly HostAddress[] {
  const all: (HostAddress & { family: string })[] = [];
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const a of addresses ?? []) {
      if (!a.internal && a.scopeid !== undefined && a.scopeid !== 0) continue;
      if (!a.internal) all.push({ ip: a.address, interface: name, family: a.family });
    }
  }
  return all.toSorted((a, b) => a.family.localeCompare(b.family));
}

/**
 * MTU of the interface that holds an address. Read from /proc/sys/net, which shows the network
 * namespace of the reader (/sys shows that of its mounter); the IPv6 figure follows the device's
 * unless an administrator lowered it. 1500 where neither is known.
 */
export function mtuOf(ip: string): number {
  const name = hostAddresses().find((a) => a.ip === ip)?.interface;
  if (name === undefined) return 1500;
  try {
    return Number(readFileSync(`/proc/sys/net/ipv6/conf/${name}/mtu`, 'utf8')) || 1500;
  } catch {
    return 1500;
  }
}

/** The address this host would speak from towards `peer` (nothing is sent); undefined: no route. */
export function addressTowards(peer: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(peer.includes(':') ? 'udp6' : 'udp4');
    const done = (ip: string | undefined) => {
      socket.close();
      resolve(ip);
    };
    socket.once('error', () => done(undefined));
    socket.connect(9, peer, () => done(socket.address().address));
  });
}
