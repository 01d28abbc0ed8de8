import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerId } from '../../core/model/index.ts';
import { childGroups, killCgroup } from '../../linux/cgroup.ts';
import { mountPointsBelow, unmountInBackground } from '../../linux/mount.ts';
import { removeGroup } from './clear-task.ts';
import type { Host } from './host.ts';
import { RUNTIME_NAMES } from './runtime.ts';

/** Takes away whatever in our directories and control groups belongs to no running task. */
export async function removeLeftovers(host: Host, running: ReadonlySet<ContainerId>): Promise<void> {
  const { paths, trees, cgroupParent } = host;
  const stays = (name: string): boolean => running.has(name as ContainerId);
  for (const name of childGroups(trees, cgroupParent)) {
    if (stays(name) || name === 'conmon') continue;
    await killCgroup(trees, `${cgroupParent}/${name}`);
    await removeGroup(host, `${cgroupParent}/${name}`);
  }
  for (const runtimeName of RUNTIME_NAMES) {
    const runtime = host.runtimes.named(runtimeName);
    const states = await readdir(join(paths.runtimes, runtimeName)).catch(() => []);
    for (const name of states.filter((state) => !stays(state))) await runtime.delete(name);
  }
  for (const point of await mountPointsBelow(paths.bundles)) {
    const [name = ''] = point.slice(paths.bundles.length + 1).split('/');
    if (!stays(name)) await unmountInBackground(point);
  }
  for (const dir of [paths.bundles, paths.exits]) {
    for (const name of await readdir(dir)) {
      if (!stays(name)) await rm(join(dir, name), { recursive: true, force: true });
    }
  }
}
