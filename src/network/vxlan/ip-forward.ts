import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSysctl, setSysctl } from '../../linux/sysctl.ts';
import { IP_FORWARD } from './sysctls.ts';

/**
 * `net.ipv4.ip_forward`, the one setting of ours that is the whole host's. What it was before is kept in the run
 * directory, which a reboot empties as it resets the setting.
 */
export class IpForward {
  readonly #record: string;

  constructor(runDir: string) {
    this.#record = join(runDir, 'ip-forward-before');
  }

  /** Before it is first set. */
  remember(): void {
    if (!existsSync(this.#record)) writeFileSync(this.#record, readSysctl(IP_FORWARD) ?? '');
  }

  /** As it was before us, unless others forward too by now. @param others whether they do */
  restore(others: () => boolean): void {
    if (!existsSync(this.#record)) return;
    const before = readFileSync(this.#record, 'utf8');
    if (before === '0' && !others()) setSysctl(IP_FORWARD, before);
    rmSync(this.#record);
  }
}
