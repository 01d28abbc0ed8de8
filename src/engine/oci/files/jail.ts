import { closeSync, fstatSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { assertNever } from '../../../lib/assert.ts';
import { mount, unmount } from '../../../linux/mount.ts';
import {
  attachTree,
  cloneMount,
  cloneTree,
  joinMounts,
  makeInert,
  makePrivate,
  makeReadOnly,
  pivotTo,
  separateMounts,
} from '../../../linux/mount-namespace.ts';
import { mountOverlay } from '../../../linux/overlay.ts';
import { procMounts } from '../../../linux/proc-mounts.ts';
import { hasCode } from '../../../linux/system-error.ts';
import { type Jail, type JailMount, TASK_MOUNTS_FD } from './protocol.ts';

/** The kernel's own, with all that is mounted in them. */
const KERNEL_DIRS = ['/dev', '/sys', '/proc'];
const MOST_ROUNDS = 100;

/**
 * Locks this thread into what `jail` says, for good: from here on its root and all mounts it knows are those. Paths are
 * opened by it alone, with synchronous calls, and all code it needs must be loaded. Nothing in the jail is a device.
 * @throws SystemError
 */
export function enterJail(jail: Jail): void {
  switch (jail.kind) {
    case 'task':
      joinMounts(TASK_MOUNTS_FD);
      closeSync(TASK_MOUNTS_FD);
      separateMounts();
      for (const dir of KERNEL_DIRS) unmountAll(dir);
      process.chdir('/');
      break;
    case 'bare': {
      const tree = cloneMount(jail.dir);
      separateMounts();
      attachTree(tree, jail.dir);
      closeSync(tree);
      pivotTo(jail.dir);
      break;
    }
    case 'merged':
      enterMerged(jail);
      break;
    case 'compare':
      enterCompare(jail);
      break;
    default:
      assertNever(jail);
  }
  hideProcesses();
  makeInert('/');
}

function enterMerged({ lowerDirs, writeTo, at, readOnly, mounts }: Jail & { kind: 'merged' }): void {
  const trees = mounts.flatMap((wish) => cloneOf(wish));
  separateMounts();
  if (writeTo === undefined) {
    const own = ownDirectory(at, 'root', 'upper', 'work');
    mountOverlay(own('root'), { lowerDirs, upperDir: own('upper'), workDir: own('work') });
    pivotTo(own('root'));
  } else {
    mountOverlay(at, { lowerDirs, ...writeTo });
    pivotTo(at);
  }
  for (const { tree, mount: wish } of trees) {
    if (makeMountPoint(tree, wish.target)) {
      attachTree(tree, wish.target);
      // Before the next one may come to lie in it.
      makePrivate();
      if (wish.readOnly) makeReadOnly(wish.target, true);
    }
    closeSync(tree);
  }
  if (readOnly) makeReadOnly('/', false);
}

function enterCompare({ upperDir, lowerDirs, at }: Jail & { kind: 'compare' }): void {
  const upper = cloneMount(upperDir);
  separateMounts();
  const own = ownDirectory(at, 'image', 'upper', 'scratch', 'work');
  attachTree(upper, own('upper'));
  closeSync(upper);
  mountOverlay(own('image'), { lowerDirs, upperDir: own('scratch'), workDir: own('work') });
  pivotTo(at);
}

/** A file system in memory, on `dir`, with these directories. */
function ownDirectory(dir: string, ...names: readonly string[]): (name: string) => string {
  mount('caravela', dir, 'tmpfs', 0, 'mode=755');
  for (const name of names) mkdirSync(`${dir}/${name}`, 0o755);
  return (name) => `${dir}/${name}`;
}

function cloneOf(wish: JailMount): { readonly tree: number; readonly mount: JailMount }[] {
  try {
    return [{ tree: cloneTree(wish.source), mount: wish }];
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/** As the runtime would make it. False where it can't be made. */
function makeMountPoint(tree: number, target: string): boolean {
  try {
    if (statSync(target, { throwIfNoEntry: false }) !== undefined) return true;
    if (fstatSync(tree).isDirectory()) {
      mkdirSync(target, { recursive: true, mode: 0o755 });
    } else {
      mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
      writeFileSync(target, '', { flag: 'wx', mode: 0o755 });
    }
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST', 'ENOTDIR', 'ELOOP', 'ENOENT')) return false;
    throw error;
  }
}

/**
 * A container may see the host's processes, as agents do that watch it: there, some symlinks lead to the roots of
 * processes, out of every jail, and this process may follow them. One mount may lie on another: until there is none.
 */
function hideProcesses(): void {
  makePrivate();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const found = procMounts();
    if (found.length === 0) return;
    for (const point of found) unmountAll(point);
  }
  throw new Error('a container has its processes mounted in more places than can be unmounted');
}

function unmountAll(dir: string): void {
  try {
    for (;;) unmount(dir);
  } catch (error) {
    // Nothing is mounted there any more, or nothing is there.
    if (!hasCode(error, 'EINVAL', 'ENOENT', 'ENOTDIR')) throw error;
  }
}
