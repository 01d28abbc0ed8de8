import { readFileSync } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerSpec, TaskFiles } from '../port.ts';

/** Used where the host names no nameserver a container could reach, as Docker does. */
const PUBLIC_NAMESERVERS = ['8.8.8.8', '8.8.4.4'];

type Asked = Pick<ContainerSpec, 'networkMode' | 'dns' | 'extraHosts'>;

/** Writes hosts, hostname and resolv.conf for one task into `dir`; what `files` doesn't say is as on the host, and as was asked for. */
export async function writeEtcFiles(dir: string, hostname: string, spec: Asked, files: TaskFiles): Promise<void> {
  const ofHost = spec.networkMode === 'host';
  await mkdir(dir, { recursive: true });
  await Promise.all([
    writeFile(join(dir, 'hostname'), `${hostname}\n`),
    writeFile(
      join(dir, 'hosts'),
      files.hosts ?? withHosts(ofHost ? hostFile('/etc/hosts', hosts(hostname)) : hosts(hostname), spec.extraHosts),
    ),
    writeFile(
      join(dir, 'resolv.conf'),
      files.resolvConf ?? withDns(ofHost ? hostFile('/etc/resolv.conf', '') : resolvConf(hostFile('/etc/resolv.conf', '')), spec.dns),
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

/** resolv.conf(5) with what was asked for in the place of the file's own, each kind for itself; a search for `.` is one for none. */
export function withDns(text: string, { servers, search, options }: ContainerSpec['dns']): string {
  const lines = text.split('\n').filter((line) => line !== '');
  const kept = (word: RegExp, asked: readonly string[]): string[] => (asked.length > 0 ? [] : lines.filter((line) => word.test(line)));
  const domains = search.filter((domain) => domain !== '.' && domain !== '');
  if (servers.length + search.length + options.length === 0) return text;
  return [
    ...kept(/^\s*(search|domain)\s/, search),
    ...(domains.length > 0 ? [`search ${domains.join(' ')}`] : []),
    ...kept(/^\s*nameserver\s/, servers),
    ...servers.map((server) => `nameserver ${server}`),
    ...kept(/^\s*options\s/, options),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
    '',
  ].join('\n');
}

/** hosts(5) with `name:ip` behind it. On the host's own network `host-gateway` is the host itself. */
export function withHosts(text: string, extraHosts: readonly string[]): string {
  const lines = extraHosts.map((extra) => {
    const colon = extra.indexOf(':');
    const ip = extra.slice(colon + 1);
    return `${ip === 'host-gateway' ? '127.0.0.1' : ip}\t${extra.slice(0, colon)}\n`;
  });
  return lines.length === 0 ? text : `${text.replace(/\n?$/, '\n')}${lines.join('')}`;
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
