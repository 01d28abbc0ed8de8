import { constants } from 'node:fs';
import { checked, libc } from './libc.ts';

const openat2Call = libc<(nr: number, dir: number, path: string, how: Uint8Array, size: number) => number>(
  'long syscall(long nr, int dir, const char *path, const uint8_t *how, size_t size)',
);
const SYS_OPENAT2 = 437;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_IN_ROOT = 0x10;

/**
 * Opens `path` for reading as if the directory behind the descriptor `root` were `/`: `..` and
 * absolute symlinks stay inside, whoever wrote them (openat2(2), RESOLVE_IN_ROOT). Never waits for the
 * other end of a fifo. Returns a descriptor the caller closes. @throws SystemError
 */
export function openInRoot(root: number, path: string): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | 0o2000000), 0);
  how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), 16);
  return checked(openat2Call(SYS_OPENAT2, root, path, how, how.length), 'openat2', path);
}
