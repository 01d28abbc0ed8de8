import { mkdirSync } from 'node:fs';
import { mount } from '../../../linux/mount.ts';
import type { BundlePaths } from '../engine-paths.ts';

const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const SHM_BYTES = 64 * 1024 * 1024;

/** A /dev/shm that other containers can have, too, as it lies on the host; it ends with the task. @throws SystemError */
export function mountSharedMemory(bundle: Pick<BundlePaths, 'sharedMemory'>, bytes: number | undefined): void {
  mkdirSync(bundle.sharedMemory, { recursive: true });
  const size = bytes === undefined || bytes === 0 ? SHM_BYTES : bytes;
  mount('shm', bundle.sharedMemory, 'tmpfs', MS_NOSUID | MS_NODEV | MS_NOEXEC, `mode=1777,size=${size}`);
}
