import { constants } from 'node:fs';
import { checked, libc } from './libc.ts';

const mknodCall = libc<(path: string, mode: number, device: number) => number>(
  'int mknod(const char *path, uint32_t mode, uint64_t device)',
);

export type NodeKind = 'character' | 'block' | 'fifo' | 'socket';

const FILE_TYPE: Record<NodeKind, number> = {
  character: constants.S_IFCHR,
  block: constants.S_IFBLK,
  fifo: constants.S_IFIFO,
  socket: constants.S_IFSOCK,
};

/**
 * Makes a special file. `permissions` are the low twelve bits of the mode and are subject to the
 * umask; `major` and `minor` count for devices only. An overlay whiteout is character 0:0.
 * @throws SystemError, EEXIST where something is there already (mknod never follows a symlink)
 */
export function mknod(path: string, kind: NodeKind, permissions: number, major = 0, minor = 0): void {
  checked(mknodCall(path, FILE_TYPE[kind] | permissions, deviceNumber(major, minor)), 'mknod', path, kind, major, minor);
}

/** glibc's makedev: major in bits 8–19 and 44–63, minor in bits 0–7 and 20–43. Exact below major 4096, as all of Linux's are. */
function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) + (major & 0xfff) * 0x100 + (minor >>> 8) * 0x100000;
}
