import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSysctl, setSysctl } from '../../linux/sysctl.ts';
import { hasCode } from '../../linux/system-error.ts';
import { IP_FORWARD } from './sysctls.ts';

/**
 * `net.ipv4.ip_forward`, the one setting of ours that is the whole host's, and those that the kernel sets along with it
 * (ip-sysctl.rst): each device's, and whether redirects are taken, which a hardened host wants no more afterwards than
 * before. What they were is kept in the run directory, which a reboot empties as it resets the settings.
 */
export class IpForward {
  readonly #record: string;

  constructor(runDir: string) {
    this.#record = join(runDir, 'ip-forward-before');
  }

  /** Before it is first set. */
  remember(): void {
    if (existsSync(this.#record)) return;
    const before = [IP_FORWARD, ...setAlong()].flatMap((path) => {
      const value = readSysctl(path);
      return value === undefined ? [] : [`${path} ${value}\n`];
    });
    writeFileSync(this.#record, before.join(''));
  }

  /** As it was before us, unless others forward too by now. @param others whether they do */
  async restore(others: () => Promise<boolean>): Promise<void> {
    if (!existsSync(this.#record)) return;
    const before = readFileSync(this.#record, 'utf8')
      .split('\n')
      .map((line) => line.split(' '));
    if (before.some(([path, value]) => path === IP_FORWARD && value === '0') && !(await others())) {
      // The switch first, as it sets the others.
      for (const [path, value] of before) if (path !== undefined && value !== undefined) setWhereThere(path, value);
    }
    rmSync(this.#record);
  }
}

const setAlong = (): string[] => [
  'ipv4/conf/all/accept_redirects',
  ...readdirSync('/proc/sys/net/ipv4/conf')
    .filter((device) => device !== 'all')
    .map((device) => `ipv4/conf/${device}/forwarding`),
];

/** A device may have gone since. */
function setWhereThere(path: string, value: string): void {
  try {
    setSysctl(path, value);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}
