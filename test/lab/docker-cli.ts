import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './shell.ts';

const CACHE = join(import.meta.dirname, '..', '..', '.cache', 'docker-io');

/**
 * Directory of Debian's docker.io package, and of those named with it, unpacked into a cache of ours:
 * installing them would bring an engine, its services and its firewall rules along.
 */
export async function debianDocker(...more: readonly string[]): Promise<string> {
  mkdirSync(CACHE, { recursive: true });
  for (const name of ['docker.io', ...more]) {
    const marker = join(CACHE, 'usr', 'share', 'doc', name);
    if (existsSync(marker)) continue;
    await must(['apt-get', 'download', name], { cwd: CACHE, timeoutMs: 240_000 });
    const deb = readdirSync(CACHE).find((file) => file.startsWith(`${name}_`));
    if (deb === undefined) throw new Error(`apt-get download ${name} left no package`);
    await must(['dpkg-deb', '-x', join(CACHE, deb), CACHE]);
  }
  return CACHE;
}

/** Path of Debian's `docker` client. */
export async function debianDockerCli(): Promise<string> {
  return join(await debianDocker(), 'usr', 'bin', 'docker');
}
