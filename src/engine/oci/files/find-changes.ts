import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { posix } from 'node:path';
import type { FileChange } from '../../files-port.ts';
import { hasCode } from '../../../linux/system-error.ts';
import { lgetxattrAt } from '../../../linux/xattr.ts';
import { bytesOf, statOf, textOf } from './container-path.ts';
import type { RuntimeMade } from './protocol.ts';
import { isWhiteout, nulEnded } from './tree-archiver.ts';

const MOST_CHANGES = 1_000_000;

/**
 * What a container's upper directory changes in its image, as `docker diff` tells it: each file, and every directory
 * above one. @param runtimeMade what is no change, as long as it is empty
 */
export function findChanges(upper: string, image: string, runtimeMade: RuntimeMade): FileChange[] {
  const changes: FileChange[] = [];
  // The runtime has changed their times.
  const retimed = new Set(Object.keys(runtimeMade).map((path) => posix.dirname(path)));

  const add = (path: string, kind: FileChange['kind']): void => {
    if (changes.length >= MOST_CHANGES) throw new Error(`it has more than ${MOST_CHANGES} changes`);
    changes.push({ path: textOf(path), kind });
  };

  /** Whether there is a change in the directory. */
  const walk = (dir: string): boolean => {
    const before = changes.length;
    const names = readdirSync(bytesOf(`${upper}${dir}/`), { encoding: 'latin1' });
    for (const name of names) {
      try {
        look(`${dir}/${name}`);
      } catch (error) {
        if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
      }
    }
    if (dir !== '' && lgetxattrAt(nulEnded(`${upper}${dir}`), 'trusted.overlay.opaque')?.toString() === 'y') {
      const has = new Set(names);
      for (const name of namesIn(`${image}${dir}`)) if (!has.has(name)) add(`${dir}/${name}`, 'deleted');
    }
    return changes.length > before;
  };

  const look = (path: string): void => {
    const now = lstatSync(bytesOf(`${upper}${path}`));
    const was = statOf(`${image}${path}`);
    if (isWhiteout(now)) {
      if (was !== undefined) add(path, 'deleted');
      return;
    }
    if (!now.isDirectory()) {
      if (runtimeMade[path] !== 'file' || !now.isFile() || now.size > 0) add(path, was === undefined ? 'added' : 'modified');
      return;
    }
    const inside = walk(path);
    if (was === undefined) {
      if (inside || runtimeMade[path] !== 'directory') add(path, 'added');
    } else if (inside || !isSame(now, was, retimed.has(path))) add(path, 'modified');
  };

  walk('');
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function isSame(now: Stats, was: Stats, retimed: boolean): boolean {
  return now.mode === was.mode && now.uid === was.uid && now.gid === was.gid && (retimed || now.mtimeMs === was.mtimeMs);
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(bytesOf(dir), { encoding: 'latin1' });
  } catch {
    return [];
  }
}
