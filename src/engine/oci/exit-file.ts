import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerId } from '../../core/model/index.ts';
import { oomKills } from '../../linux/cgroup.ts';
import { cgroupOf, type Host } from './host.ts';

/** What conmon and the kernel left about a task's end. */
export interface ExitFile {
  readonly exitCode: number;
  readonly finishedAtMs: number;
}

/** undefined: conmon hasn't written it. */
export async function readExitFile(host: Host, id: ContainerId): Promise<ExitFile | undefined> {
  const path = host.paths.bundle(id).exit;
  try {
    const [text, stats] = await Promise.all([readFile(path, 'latin1'), stat(path)]);
    const exitCode = Number.parseInt(text, 10);
    return Number.isNaN(exitCode) ? undefined : { exitCode, finishedAtMs: Math.round(stats.mtimeMs) };
  } catch {
    return undefined;
  }
}

/** As conmon writes it: for the next recover, where an end can't be written down beside the container. */
export async function writeExitFile(host: Host, id: ContainerId, exitCode: number): Promise<void> {
  await writeFile(host.paths.bundle(id).exit, String(exitCode));
}

/** To be asked before the task is cleared: conmon's word is in the bundle, the kernel's count in the control group. */
export function wasOomKilled(host: Host, id: ContainerId): boolean {
  const bundle = host.paths.bundle(id);
  return existsSync(join(bundle.persist, 'oom')) || existsSync(join(bundle.dir, 'oom')) || oomKills(host.trees, cgroupOf(host, id)) > 0;
}
