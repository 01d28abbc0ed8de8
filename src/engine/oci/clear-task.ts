import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerId } from '../../core/model/index.ts';
import { killCgroup, removeCgroup } from '../../linux/cgroup.ts';
import { unmountInBackground } from '../../linux/mount.ts';
import { isAlive, type ProcessIdentity, SIGKILL, signalProcess } from '../../linux/process-identity.ts';
import { hasCode } from '../../linux/system-error.ts';
import { cgroupOf, type Host } from './host.ts';
import type { Runtime } from './runtime.ts';

/** conmon needs some ms between writing the exit file and its own end. */
const CONMON_PATIENCE_MS = 2_000;
/** A control group may be busy for a moment after its last process. */
const CGROUP_TRIES = 50;

/**
 * Takes away all that a task had outside its container's own directory: processes, the runtime's
 * state, control group, mounts, bundle. Safe on any part of it, and on nothing.
 */
export async function clearTask(host: Host, id: ContainerId, runtime: Runtime, conmon: ProcessIdentity | undefined): Promise<void> {
  const bundle = host.paths.bundle(id);
  const group = cgroupOf(host, id);
  if (!(await killCgroup(host.trees, group)))
    host.log('warn', `processes of container ${id} don't die; they stay in control group ${group}`);
  if (conmon !== undefined) await awaitEnd(conmon);
  await runtime.delete(id);
  await unmountAll(bundle.rootfs);
  await unmountAll(bundle.sharedMemory);
  await removeGroup(host, group);
  await rm(bundle.dir, { recursive: true, force: true });
  await rm(bundle.exit, { force: true });
}

/** Takes every mount off `point`. */
async function unmountAll(point: string): Promise<void> {
  for (;;) {
    try {
      await unmountInBackground(point);
    } catch (error) {
      if (hasCode(error, 'EINVAL', 'ENOENT')) return;
      throw error;
    }
  }
}

export async function removeGroup(host: Host, group: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      removeCgroup(host.trees, group);
      return;
    } catch (error) {
      if (!hasCode(error, 'EBUSY')) throw error;
      if (tries === CGROUP_TRIES) return host.log('warn', `control group ${group} stays busy and stays`);
    }
    await delay(tries);
  }
}

async function awaitEnd(conmon: ProcessIdentity): Promise<void> {
  const deadline = Date.now() + CONMON_PATIENCE_MS;
  while (isAlive(conmon)) {
    if (Date.now() > deadline) signalProcess(conmon, SIGKILL);
    await delay(2);
  }
}
