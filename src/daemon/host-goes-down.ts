import { execFile } from 'node:child_process';

/** systemd answers at once, or is busier with the shutdown than with us. */
const ANSWER_WITHIN_MS = 5_000;

/** Whether the host is being shut down or rebooted, as far as systemd knows; false where there is none. */
export function hostGoesDown(systemctl = 'systemctl'): Promise<boolean> {
  return new Promise((resolve) => {
    // Its exit code says no more than whether all is well.
    execFile(systemctl, ['is-system-running'], { timeout: ANSWER_WITHIN_MS }, (_, stdout) => resolve(stdout.trim() === 'stopping'));
  });
}
