import { checked, libc } from './libc.ts';

const syncfsCall = libc<(fd: number) => number>('int syncfs(int fd)');

/** Writes out all that is dirty on the file system of `fd`, and waits: one call for a whole tree. @throws SystemError */
export function syncfs(fd: number): void {
  checked(syncfsCall(fd), 'syncfs', fd);
}
