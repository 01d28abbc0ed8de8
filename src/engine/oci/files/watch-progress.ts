import { readFileSync } from 'node:fs';

/** A server that reboots is back within it; one of the few places for such processes is not lost for longer. */
export const HUNG_AFTER_MS = 5 * 60_000;
const LOOKS = 5;

export interface ProgressOptions {
  readonly patienceMs: number;
  /** It does nothing because somebody else does nothing. */
  readonly isKeptWaiting: () => boolean;
  /** Called at most once. */
  readonly onHung: () => void;
}

/**
 * Looks whether a process gets on: one that has used no processor and has not even been woken for so long waits for
 * what may never come, as a file of a server that is gone. Bytes it passes on would tell less: a large tree may have
 * to be gone through before the first one. Returns how to stop looking.
 */
export function watchProgress(pid: number, { patienceMs, isKeptWaiting, onHung }: ProgressOptions): () => void {
  let seen = '';
  let quietLooks = 0;
  const timer = setInterval(() => {
    const now = signsOfLife(pid);
    quietLooks = now !== seen || isKeptWaiting() ? 0 : quietLooks + 1;
    seen = now;
    if (quietLooks < LOOKS) return;
    clearInterval(timer);
    onHung();
  }, patienceMs / LOOKS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Its processor time (proc_pid_stat(5): fields 14 and 15) and how often its first thread was switched to. */
function signsOfLife(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const switches = readFileSync(`/proc/${pid}/status`, 'latin1').match(/^(non)?voluntary_ctxt_switches:.*$/gm);
    return [fields[11], fields[12], ...(switches ?? [])].join();
  } catch {
    // It has ended: whoever waits for that hears of it.
    return '';
  }
}
