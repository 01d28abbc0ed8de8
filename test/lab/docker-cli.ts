import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './shell.ts';

const CACHE = join(import.meta.dirname, '..', '..', '.cache', 'docker-io');

/**
 * Path of the `docker` client of Debian's docker.io package, unpacked into a cache of ours: installing
 * the package would bring an engine, its services and its firewall rules along.
 */
export async function debianDockerCli(): Promise<string> {
  const cli = join(CACHE, 'usr', 'bin', 'docker');
  if (existsSync(cli)) return cli;
  mkdirSync(CACHE, { recursive: true });
  await must(['apt-get', 'download', 'docker.io'], { cwd: CACHE, timeoutMs: 240_000 });
  const deb = readdirSync(CACHE).find((name) => name.endsWith('.deb'));
  if (deb === undefined) throw new Error('apt-get download docker.io left no package');
  await must(['dpkg-deb', '-x', join(CACHE, deb), CACHE]);
  return cli;
}
