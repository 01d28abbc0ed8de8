import { hasCode } from '../../linux/system-error.ts';
import { setSysctl } from '../../linux/sysctl.ts';
import { IP_FORWARD } from './sysctls.ts';

/** How many are read or written before others get their turn: about a millisecond. */
const AT_A_TIME = 50;

/**
 * Holds kernel settings to what is wanted. Of most the kernel tells nobody that they changed, so that between sweeps
 * only what we haven't set yet, or have heard of, is looked at.
 */
export class SysctlKeeper {
  readonly #known = new Map<string, string>();

  /** What is known of a device's settings no longer holds: it is another device, or somebody changed them. `all`: of the host's. */
  forget(device: string): void {
    if (device === 'all') this.#known.delete(IP_FORWARD);
    for (const path of this.#known.keys()) if (path.includes(`/${device}/`)) this.#known.delete(path);
  }

  forgetAll(): void {
    this.#known.clear();
  }

  /** Resolves to how many were otherwise. A setting that isn't there is none's fault: no IPv6, or the device has gone. */
  async apply(wish: ReadonlyMap<string, string>): Promise<number> {
    let changed = 0;
    let looked = 0;
    for (const [path, value] of wish) {
      if (this.#known.get(path) === value) continue;
      if (this.set(path, value)) changed += 1;
      looked += 1;
      if (looked % AT_A_TIME === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const path of this.#known.keys()) if (!wish.has(path)) this.#known.delete(path);
    return changed;
  }

  /** Returns whether it was otherwise. */
  set(path: string, value: string): boolean {
    try {
      const changed = setSysctl(path, value);
      this.#known.set(path, value);
      return changed;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw error;
    }
  }
}
