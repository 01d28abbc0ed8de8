import { readFile } from 'node:fs/promises';
import { checked, libc, libcAsync } from './libc.ts';

const mountCall = libc<(source: string, target: string, type: string | null, flags: number, data: string | null) => number>(
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
);
const UMOUNT = 'int umount2(const char *target, int flags)';
const umountCall = libc<(target: string, flags: number) => number>(UMOUNT);
const umountLater = libcAsync<[target: string, flags: number]>(UMOUNT);

/** <linux/mount.h> */
export const MS_BIND = 0x1000;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

/** mount(2). @throws SystemError */
export function mount(source: string, target: string, type: string | null, flags = 0, data: string | null = null): void {
  checked(mountCall(source, target, type, flags, data), 'mount', source, target);
}

/**
 * Takes the topmost mount off `target` at once; the kernel frees it when its last user is gone
 * (MNT_DETACH). @throws SystemError, EINVAL where nothing is mounted there
 */
export function unmount(target: string): void {
  checked(umountCall(target, MNT_DETACH | UMOUNT_NOFOLLOW), 'umount2', target);
}

/**
 * The same off the event loop: the last unmount of a file system writes what is still in memory, and
 * tearing down a network namespace's file can wait for another's. @throws SystemError
 */
export async function unmountInBackground(target: string): Promise<void> {
  await umountLater('umount2', [target], target, MNT_DETACH | UMOUNT_NOFOLLOW);
}

/** Mount points at or below `dir` in this process's mount namespace, the newest first: the order to unmount them in. */
export async function mountPointsBelow(dir: string): Promise<string[]> {
  return parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'))
    .filter((point) => point === dir || point.startsWith(`${dir}/`))
    .reverse();
}

/** Mount points in the order of proc_pid_mountinfo(5), in which space, tab, newline and backslash are octal escapes. */
export function parseMountInfo(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.split(' ')[4])
    .filter((point) => point !== undefined)
    .map((point) => point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))));
}
