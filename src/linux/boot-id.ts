import { readFileSync } from 'node:fs';

/** Random per boot of this kernel: what a file says about processes and mounts holds for one boot id only. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
