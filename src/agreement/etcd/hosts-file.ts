import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { isIP } from 'node:net';
import type { NodeId } from '../../core/model/index.ts';
import { memberName } from './names.ts';

export type Whereabouts = readonly { readonly node: NodeId; readonly ip: string }[];

/** hosts(5). Names of no known address are left out: the engine tries again until they are there. */
export function hostsFile(members: Whereabouts): string {
  const lines = members
    .filter(({ ip }) => isIP(ip) !== 0)
    .toSorted((a, b) => (a.node < b.node ? -1 : 1))
    .map(({ node, ip }) => `${ip} ${memberName(node)}`);
  return ['127.0.0.1 localhost', '::1 localhost', ...lines, ''].join('\n');
}

/**
 * Over the old content, in the same inode: that is what etcd has mounted. Written first and cut after, so that a
 * reader in between sees too much and never nothing. True where it changed.
 */
export function writeHostsFile(path: string, content: string): boolean {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644);
  try {
    if (readFileSync(fd, 'utf8') === content) return false;
    const length = writeSync(fd, content, 0);
    ftruncateSync(fd, length);
    return true;
  } finally {
    closeSync(fd);
  }
}
