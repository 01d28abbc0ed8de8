import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Used where the host names no nameserver a container could reach, as Docker does. */
const PUBLIC_NAMESERVERS = ['8.8.8.8', '8.8.4.4'];

/** Writes hosts, hostname and resolv.conf for one task into `dir`. */
export async function writeEtcFiles(dir: string, hostname: string, onHostNetwork: boolean): Promise<void> {
  await mkdir(dir, { recursive: true });
  await Promise.all([
    writeFile(join(dir, 'hostname'), `${hostname}\n`),
    writeFile(join(dir, 'hosts'), onHostNetwork ? hostFile('/etc/hosts', hosts(hostname)) : hosts(hostname)),
    writeFile(join(dir, 'resolv.conf'), onHostNetwork ? hostFile('/etc/resolv.conf', '') : resolvConf(hostFile('/etc/resolv.conf', ''))),
  ]);
}

function hosts(hostname: string): string {
  return [
    `127.0.0.1\tlocalhost ${hostname}`,
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'ff00::0\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    '',
  ].join('\n');
}

/** The host's file without the nameservers that only the host's loopback answers. */
export function resolvConf(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '' && !/^\s*nameserver\s+(127\.|::1\s*$)/.test(line));
  const reachable = lines.some((line) => /^\s*nameserver\s/.test(line));
  return [...lines, ...(reachable ? [] : PUBLIC_NAMESERVERS.map((ip) => `nameserver ${ip}`)), ''].join('\n');
}

function hostFile(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
