import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SIGKILL } from './process-identity.ts';
import { hasCode } from './system-error.ts';

/**
 * Control groups by their files: v2's one tree, or v1's tree per controller (also beside an unused v2
 * tree: "hybrid"). A group's path is the same in all trees and starts with a slash.
 * Sources: cgroups(7), Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
 */
export interface CgroupTrees {
  readonly version: 1 | 2;
  /** A cgroup2 tree with controllers of its own beside v1 ones, which crun refuses. */
  readonly hybrid: boolean;
  /** Where each tree is mounted. */
  readonly roots: readonly string[];
}

const CGROUP2_MAGIC = 0x63677270;
const SUBTREE_CONTROL = 'cgroup.subtree_control';
/** What --cpus, --memory and --pids-limit come down to. */
const CONTROLLERS = ['cpu', 'memory', 'pids'];
/** A fork bomb that dies is caught after a few rounds; then the kernel has a process that can't die. */
const KILL_ROUNDS = 100;

export function detectCgroups(base = '/sys/fs/cgroup'): CgroupTrees {
  if (statfsSync(base).type === CGROUP2_MAGIC) return { version: 2, hybrid: false, roots: [base] };
  const names = readdirSync(base, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(base, entry.name));
  const unified = join(base, 'unified');
  return {
    version: 1,
    hybrid: readOr(join(unified, 'cgroup.controllers'), '').trim() !== '',
    roots: names.filter((root) => existsSync(join(root, 'cgroup.procs'))),
  };
}

/** Directories of the group at `path` that exist. */
export function cgroupDirs(trees: CgroupTrees, path: string): string[] {
  return trees.roots.map((root) => join(root, path)).filter((dir) => existsSync(dir));
}

/** The directory in which a controller's files of the group are, whether it exists or not; undefined: no tree has the controller. */
export function controllerDir(trees: CgroupTrees, controller: string, path: string): string | undefined {
  const isOf = (root: string): boolean =>
    root
      .slice(root.lastIndexOf('/') + 1)
      .split(',')
      .includes(controller);
  const root = trees.version === 2 ? trees.roots[0] : trees.roots.find(isOf);
  return root === undefined ? undefined : join(root, path);
}

/** Makes the group in every tree. Returns its directories. */
export function makeCgroup(trees: CgroupTrees, path: string): string[] {
  return trees.roots.map((root) => {
    mkdirSync(join(root, path), { recursive: true });
    return join(root, path);
  });
}

/**
 * Makes the group below which containers get theirs, and hands it what their limits need. On v2 a group
 * has only the controllers that every group above it passes on (`cgroup.subtree_control`), and one that
 * passes any on may hold no process, the tree's root excepted. The group lies at the top level, outside of
 * every unit of systemd: a scope would end with its last process. systemd leaves groups alone that it did
 * not make, and cannot take back a controller that a group below passes on. On v1 runtimes make all there is to make.
 * Returns the controllers that the group has not, in words for the log.
 */
export function makeParentGroup(trees: CgroupTrees, path: string): readonly string[] {
  const [root] = trees.roots;
  if (trees.version === 1 || root === undefined) return [];
  makeCgroup(trees, path);
  const names = path.split('/').filter((name) => name !== '');
  const dirs = [root, ...names.map((_, index) => join(root, ...names.slice(0, index + 1)))];
  const failures: string[] = [];
  for (const dir of dirs) {
    const passed = readOr(join(dir, SUBTREE_CONTROL), '').split(/\s/);
    // One at a time: together, one that can't be had would keep the others away, too.
    for (const controller of CONTROLLERS.filter((each) => !passed.includes(each))) {
      try {
        writeFileSync(join(dir, SUBTREE_CONTROL), `+${controller}`);
      } catch (error) {
        failures.push(`${controller}: ${(error as Error).message}`);
      }
    }
  }
  return failures;
}

/** Whether swap can be limited, as far as a group made by `makeParentGroup` tells. */
export function limitsSwap(trees: CgroupTrees, path: string): boolean {
  const [root = ''] = trees.roots;
  return trees.version === 2
    ? existsSync(join(root, path, 'memory.swap.max'))
    : existsSync(join(baseOf(trees), 'memory', 'memory.memsw.limit_in_bytes'));
}

/**
 * Moves a process, off the event loop: on v1 a move waits for an RCU grace period, some ms each.
 * @param dir the group's directory in one tree
 */
export async function joinCgroup(dir: string, pid: number): Promise<void> {
  await writeFile(join(dir, 'cgroup.procs'), String(pid));
}

/** Roots of the trees in which this process is in a group of its own, not in the tree's root group. */
export function treesWithGroupOfOurs(trees: CgroupTrees, ownGroups = readOr('/proc/self/cgroup', '')): string[] {
  const inside = ownGroups.split('\n').flatMap((line) => {
    const [, controllers = '', ...path] = line.split(':');
    if (path.length === 0 || path.join(':') === '/') return [];
    return controllers === '' ? ['unified'] : [controllers.replace(/^name=/, ''), ...controllers.split(',')];
  });
  return trees.roots.filter((root) => (trees.version === 2 ? inside.length > 0 : inside.includes(root.slice(root.lastIndexOf('/') + 1))));
}

/** Kills every process in the group and those below it, until none is left. Returns whether that worked. */
export async function killCgroup(trees: CgroupTrees, path: string): Promise<boolean> {
  const dirs = cgroupDirs(trees, path).flatMap((dir) => [dir, ...groupsBelow(dir)]);
  for (let round = 0; round < KILL_ROUNDS; round++) {
    const pids = processesIn(trees, path);
    if (pids.size === 0) return true;
    if (!cgroupDirs(trees, path).every(killAtOnce)) for (const pid of pids) kill(pid);
    for (const dir of dirs) thaw(dir);
    await new Promise((resolve) => setTimeout(resolve, Math.min(1 + round, 20)));
  }
  return false;
}

/** Every process in the group and those below it. */
export function processesIn(trees: CgroupTrees, path: string): Set<number> {
  const dirs = cgroupDirs(trees, path).flatMap((dir) => [dir, ...groupsBelow(dir)]);
  return new Set(dirs.flatMap((dir) => pidsIn(dir)));
}

/** Removes an empty group and the empty ones below it. @throws EBUSY while a process is in it */
export function removeCgroup(trees: CgroupTrees, path: string): void {
  for (const dir of cgroupDirs(trees, path)) {
    for (const each of [...groupsBelow(dir), dir]) {
      try {
        rmdirSync(each);
      } catch (error) {
        if (!hasCode(error, 'ENOENT')) throw error;
      }
    }
  }
}

/** How many processes the kernel killed in the group because it was out of memory; 0 where it doesn't say. */
export function oomKills(trees: CgroupTrees, path: string): number {
  const file = trees.version === 2 ? join('/', path, 'memory.events') : join('/memory', path, 'memory.oom_control');
  const text = readOr(join(trees.version === 2 ? (trees.roots[0] ?? '') : baseOf(trees), file), '');
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** The group's children in any tree, by name. */
export function childGroups(trees: CgroupTrees, path: string): string[] {
  const names = cgroupDirs(trees, path).flatMap((dir) =>
    readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name),
  );
  return [...new Set(names)];
}

const baseOf = (trees: CgroupTrees): string => join(trees.roots[0] ?? '/sys/fs/cgroup/none', '..');

/** Directories below, the deepest first. */
function groupsBelow(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) => [...groupsBelow(join(dir, entry.name)), join(dir, entry.name)]);
  } catch {
    return [];
  }
}

/** v2 since Linux 5.14: all in the group and below, also who is being forked. Returns whether the kernel took it. */
function killAtOnce(dir: string): boolean {
  try {
    writeFileSync(join(dir, 'cgroup.kill'), '1', { flag: 'r+' });
    return true;
  } catch {
    return false;
  }
}

/** On v1 who is frozen dies when it is thawed. */
function thaw(dir: string): void {
  try {
    writeFileSync(join(dir, 'freezer.state'), 'THAWED', { flag: 'r+' });
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENODEV')) throw error;
  }
}

function pidsIn(dir: string): number[] {
  return readOr(join(dir, 'cgroup.procs'), '')
    .split('\n')
    .filter((line) => line !== '')
    .map(Number)
    .filter((pid) => pid > 0);
}

function kill(pid: number): void {
  try {
    process.kill(pid, SIGKILL);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
