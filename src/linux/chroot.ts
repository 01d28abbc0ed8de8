import { checked, libc } from './libc.ts';

const chrootCall = libc<(path: string) => number>('int chroot(const char *path)');

/**
 * Makes `path` this process's root, for all its threads, and `/` its working directory. There is no
 * way back: call it in a child made for it, with every module already loaded. @throws SystemError
 */
export function chroot(path: string): void {
  checked(chrootCall(path), 'chroot', path);
  process.chdir('/');
}
