import { constants } from 'node:os';
import { checked, libc } from './libc.ts';

const prctl = libc<(option: number, value: number) => number>('int prctl(int option, unsigned long value)');
const PR_SET_PDEATHSIG = 1;

/** Ends this process with the one that started it, however that ends. @param parent its pid, as it said itself. @throws SystemError */
export function dieWithParent(parent: number): void {
  checked(prctl(PR_SET_PDEATHSIG, constants.signals.SIGKILL), 'prctl', 'PR_SET_PDEATHSIG');
  // It may have ended before the kernel was told.
  if (process.ppid !== parent) process.exit(1);
}
