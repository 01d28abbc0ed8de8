import { readFileSync } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskFiles } from '../port.ts';

/** Used where the host names no nameserver a container could reach, as Docker does. */
const PUBLIC_NAMESERVERS = ['8.8.8.8', '8.8.4.4'];

/** Writes hosts, hostname and resolv.conf for one task into `dir`; what `files` doesn't say is as on the host. */
export async function writeEtcFiles(dir: string, hostname: string, onHostNetwork: boolean, files: TaskFiles): Promise<void> {
  await mkdir(dir, { recursive: true });
  await Promise.all([
    writeFile(join(dir, 'hostname'), `${hostname}\n`),
    writeFile(join(dir, 'hosts'), files.hosts ?? (onHostNetwork ? hostFile('/etc/hosts', hosts(hostname)) : hosts(hostname))),
    writeFile(
      join(dir, 'resolv.conf'),
      files.resolvConf ?? (onHostNetwork ? hostFile('/etc/resolv.conf', '') : resolvConf(hostFile('/etc/resolv.conf', ''))),
    ),
  ]);
}

/** Other contents for a running task. The container has the files themselves bound in: a new file it would not see. */
export async function rewriteEtcFiles(dir: string, files: TaskFiles): Promise<void> {
  await Promise.all([rewrite(join(dir, 'hosts'), files.hosts), rewrite(join(dir, 'resolv.conf'), files.resolvConf)]);
}

/** Cut to length last: nobody who reads meanwhile finds it empty. */
async function rewrite(path: string, text: string | undefined): Promise<void> {
  if (text === undefined) return;
  const bytes = Buffer.from(text);
  const file = await open(path, 'r+');
  try {
    await file.write(bytes, 0, bytes.length, 0);
    await file.truncate(bytes.length);
  } finally {
    await file.close();
  }
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
