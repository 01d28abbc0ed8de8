import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type CgroupTrees, cgroupDirs } from './cgroup.ts';

/** A process in an uninterruptible call does not stand still before that returns. */
const PATIENCE_MS = 10_000;
const LONGEST_PAUSE_MS = 20;
/** As long as a round takes: some 20 ms in all. */
const ROUNDS_PER_TRY = 6;

/** One tree's way to say it: v2 has the freezer in every group, v1 a tree of its own. */
interface FreezerFile {
  readonly path: string;
  readonly frozen: string;
  readonly thawed: string;
  isFrozen(): boolean;
  isAsked(): boolean;
}

/**
 * Keeps every process of the group from running; resolves when all stand still. Sources: cgroup-v1/freezer-subsystem.rst;
 * cgroup-v2.rst, `cgroup.freeze`. @throws Error where the kernel has no freezer, or a process can't be held within 10 s: then all run on
 */
export async function freezeCgroup(trees: CgroupTrees, group: string): Promise<void> {
  const file = freezerFile(trees, group);
  if (file === undefined) throw new Error(`control group ${group} can't be frozen: the kernel offers no freezer for it`);
  const deadline = Date.now() + PATIENCE_MS;
  for (let round = 1; ; round++) {
    // On v1 a process that is forked meanwhile may slip through: it is asked for again until it holds.
    await writeFile(file.path, file.frozen);
    if (file.isFrozen()) return;
    if (Date.now() > deadline) break;
    await delay(Math.min(round, LONGEST_PAUSE_MS));
    // In the midst of execve(2) a process waits for its threads, and they would stand still already: all go on for a moment.
    if (round % ROUNDS_PER_TRY === 0) {
      await writeFile(file.path, file.thawed);
      await delay(1);
    }
  }
  await writeFile(file.path, file.thawed);
  throw new Error(`control group ${group} does not stand still within ${PATIENCE_MS / 1_000} s: its processes run on`);
}

/** Nothing where it isn't frozen, or isn't there. */
export async function thawCgroup(trees: CgroupTrees, group: string): Promise<void> {
  const file = freezerFile(trees, group);
  if (file?.isAsked() === true) await writeFile(file.path, file.thawed);
}

/** Whether it was asked to stand still; a group that isn't there is not. */
export function isFrozen(trees: CgroupTrees, group: string): boolean {
  return freezerFile(trees, group)?.isAsked() === true;
}

function freezerFile(trees: CgroupTrees, group: string): FreezerFile | undefined {
  const dirs = cgroupDirs(trees, group);
  const has = (dir: string | undefined, name: string): string | undefined =>
    dir !== undefined && existsSync(join(dir, name)) ? join(dir, name) : undefined;
  const v2 = trees.version === 2 ? has(dirs[0], 'cgroup.freeze') : undefined;
  if (v2 !== undefined) {
    const isFrozenNow = (): boolean => /^frozen 1$/m.test(read(join(v2, '..', 'cgroup.events')));
    return { path: v2, frozen: '1', thawed: '0', isFrozen: isFrozenNow, isAsked: () => read(v2).trim() === '1' };
  }
  const v1 = dirs.map((dir) => has(dir, 'freezer.state')).find((path) => path !== undefined);
  if (v1 === undefined) return undefined;
  const isAsked = (): boolean => read(join(v1, '..', 'freezer.self_freezing')).trim() === '1';
  return { path: v1, frozen: 'FROZEN', thawed: 'THAWED', isFrozen: () => read(v1).trim() === 'FROZEN', isAsked };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
