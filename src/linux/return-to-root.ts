import { checked, libc } from './libc.ts';

const fchdirCall = libc<(fd: number) => number>('int fchdir(int fd)');
const chrootCall = libc<(path: string) => number>('int chroot(const char *path)');

/**
 * Makes the directory of `fd` this process's root again, for all its threads: the way back from a
 * chroot, for who opened the old root before. @throws SystemError
 */
export function returnToRoot(fd: number): void {
  checked(fchdirCall(fd), 'fchdir', fd);
  checked(chrootCall('.'), 'chroot', '.');
  process.chdir('/');
}
