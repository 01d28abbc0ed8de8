import { joinCgroup, makeCgroup, treesWithGroupOfOurs } from '../../linux/cgroup.ts';
import type { Host } from './host.ts';

/**
 * Takes conmon out of the daemon's own control groups, where there are any: by memory and pids it would be charged
 * to the daemon, and by systemd's tree stopped with it. On v2 no group with groups below it may hold processes.
 */
export async function separate({ trees, cgroupParent }: Pick<Host, 'trees' | 'cgroupParent'>, pid: number | undefined): Promise<void> {
  if (pid === undefined) return;
  const roots = treesWithGroupOfOurs(trees);
  const dirs = makeCgroup({ ...trees, roots }, `${cgroupParent}/conmon`);
  for (const dir of dirs.filter(isForProcesses)) await joinCgroup(dir, pid);
}

/** A new v1 cpuset takes nobody until it has been given processors and memory nodes. */
const isForProcesses = (dir: string): boolean => !dir.includes('/cpuset/');
