import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from './system-error.ts';

/**
 * Kernel settings below /proc/sys/net: what is seen there is the calling thread's network namespace, so that reading
 * and writing, synchronous as they are, may be wrapped in `inNetns`.
 * @param path with slashes, as names of devices may hold dots: `ipv4/conf/br0/proxy_arp`
 */
export function readSysctl(path: string): string | undefined {
  try {
    return readFileSync(pathOf(path), 'utf8').trim();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Writes where it differs. Returns whether it did. @throws Node's ENOENT where this kernel has no such setting */
export function setSysctl(path: string, value: string): boolean {
  if (readSysctl(path) === value) return false;
  writeFileSync(pathOf(path), value);
  return true;
}

const pathOf = (path: string): string => join('/proc/sys/net', path);
