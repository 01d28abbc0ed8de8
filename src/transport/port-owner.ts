/** Who has a port, from /proc (proc(5), /proc/net/tcp): for an error message, so it never fails, it just may not know. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Like `nginx (pid 812)`; undefined where it can't be told. */
export function portOwner(protocol: 'tcp' | 'udp', port: number): string | undefined {
  const inodes = new Set([protocol, `${protocol}6`].flatMap((table) => inodesOf(table, port)));
  if (inodes.size === 0) return undefined;
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of list(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? '')?.[1];
      if (inode !== undefined && inodes.has(inode))
        return `${attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()) ?? 'a program'} (pid ${pid})`;
    }
  }
  return undefined;
}

function inodesOf(table: string, port: number): readonly string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const LISTEN_OR_BOUND = new Set(['0A', '07']);
  return (attempt(() => readFileSync(`/proc/net/${table}`, 'utf8')) ?? '')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${hexPort}`) === true && LISTEN_OR_BOUND.has(fields[3] ?? ''))
    .flatMap((fields) => fields[9] ?? []);
}

const list = (path: string): readonly string[] => attempt(() => readdirSync(path)) ?? [];

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
