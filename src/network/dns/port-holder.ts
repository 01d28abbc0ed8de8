import { readFile, readdir, readlink } from 'node:fs/promises';

/**
 * Who has a port of this network namespace, as `dnsmasq (pid 7)`: by the sockets in /proc/net and who has them open
 * (proc(5)). Undefined: nobody that can be seen.
 */
export async function portHolder(protocol: 'tcp' | 'udp', port: number): Promise<string | undefined> {
  const tables = await Promise.all([protocol, `${protocol}6`].map((table) => textOf(`/proc/net/${table}`)));
  const inodes = new Set(tables.flatMap((table) => inodesOf(table, port)));
  if (inodes.size === 0) return undefined;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    if (await hasOneOf(pid, inodes)) return `${(await textOf(`/proc/${pid}/comm`)).trim()} (pid ${pid})`;
  }
  return undefined;
}

/** Of sockets that wait for somebody: those of the port without a far side. */
function inodesOf(table: string, port: number): readonly string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').flatMap((line) => {
    const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/);
    const isWaiting = local?.endsWith(`:${hexPort}`) === true && remote?.endsWith(':0000') === true;
    return isWaiting && inode !== undefined ? [`socket:[${inode}]`] : [];
  });
}

async function hasOneOf(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const fd of fds) {
    if (sockets.has(await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''))) return true;
  }
  return false;
}

const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
