import { closeSync, readFileSync } from 'node:fs';
import { checked, libc } from './libc.ts';

/** The same numbers on every 64-bit architecture. */
const SYS_FSOPEN = 430;
const SYS_FSCONFIG = 431;
const SYS_FSMOUNT = 432;
const CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;

const fsopen = libc<(nr: number, type: string, flags: number) => number>('long syscall(long nr, const char *type, unsigned int flags)');
const fsconfig = libc<(nr: number, fd: number, command: number, key: string | null, value: string | null, aux: number) => number>(
  'long syscall(long nr, int fd, unsigned int command, const char *key, const char *value, int aux)',
);
const fsmount = libc<(nr: number, fd: number, flags: number, attributes: number) => number>(
  'long syscall(long nr, int fd, unsigned int flags, unsigned int attributes)',
);
const fchdir = libc<(fd: number) => number>('int fchdir(int fd)');

/**
 * Where a procfs is mounted below this thread's root, the last mounted first. Told by one of our own that is mounted
 * nowhere (fsmount(2)), as a root may have none, or one that says what somebody else wants. Leaves the working directory at `/`.
 * @throws SystemError
 */
export function procMounts(): string[] {
  const own = detachedProc();
  try {
    checked(fchdir(own), 'fchdir', own);
    return procMountsIn(readFileSync('self/mountinfo', 'utf8'));
  } finally {
    process.chdir('/');
    closeSync(own);
  }
}

/** Of mountinfo's lines (proc_pid_mountinfo(5)). */
export function procMountsIn(mountinfo: string): string[] {
  return mountinfo
    .split('\n')
    .flatMap((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const point = before.split(' ')[4];
      return point !== undefined && after.startsWith('proc ') ? [unescaped(point)] : [];
    })
    .toReversed();
}

function detachedProc(): number {
  const context = checked(fsopen(SYS_FSOPEN, 'proc', CLOEXEC), 'fsopen', 'proc');
  try {
    checked(fsconfig(SYS_FSCONFIG, context, FSCONFIG_CMD_CREATE, null, null, 0), 'fsconfig create', 'proc');
    return checked(fsmount(SYS_FSMOUNT, context, CLOEXEC, 0), 'fsmount', 'proc');
  } finally {
    closeSync(context);
  }
}

/** Blanks and the like, all ASCII, are three octal digits there. */
const unescaped = (text: string): string => text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
