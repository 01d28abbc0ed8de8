import { closeSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { checked, libc } from './libc.ts';
import { hasCode } from './system-error.ts';

/** A process for good: a pid is used again, a pid with its start time is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot: field 22 of proc_pid_stat(5). */
  readonly startTime: number;
}

const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;

const pidfdOpen = libc<(nr: number, pid: number, flags: number) => number>('long syscall(long nr, int pid, unsigned int flags)');
const pidfdSendSignal = libc<(nr: number, fd: number, signal: number, info: null, flags: number) => number>(
  'long syscall(long nr, int fd, int signal, void *info, unsigned int flags)',
);

/** undefined where no such process lives; one that is dead but not yet reaped doesn't live. */
export function identify(pid: number): ProcessIdentity | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  return parseStat(pid, stat);
}

export function isAlive(process: ProcessIdentity): boolean {
  return identify(process.pid)?.startTime === process.startTime;
}

/** Signals this very process, never another that got its pid. False where it has ended. @throws SystemError */
export function signalProcess(target: ProcessIdentity, signal: number): boolean {
  let fd: number;
  try {
    fd = checked(pidfdOpen(SYS_PIDFD_OPEN, target.pid, 0), 'pidfd_open', target.pid);
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false;
    throw error;
  }
  try {
    // The descriptor now stands for one process: which one, the start time tells.
    if (!isAlive(target)) return false;
    checked(pidfdSendSignal(SYS_PIDFD_SEND_SIGNAL, fd, signal, null, 0), 'pidfd_send_signal', target.pid, signal);
    return true;
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false;
    throw error;
  } finally {
    closeSync(fd);
  }
}

export const SIGKILL = constants.signals.SIGKILL;

/** The command's name (field 2) may hold spaces and parentheses: count from its last parenthesis. */
export function parseStat(pid: number, stat: string): ProcessIdentity | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTime = Number(fields[19]);
  if (state === 'Z' || state === 'X' || !Number.isSafeInteger(startTime)) return undefined;
  return { pid, startTime };
}
