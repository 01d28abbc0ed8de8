import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises';
import { hasCode } from '../../../linux/system-error.ts';

/** Each level costs a descriptor: what lies deeper than anybody's files do is not counted. */
const DEEPEST = 256;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Bytes that regular files below `dir` have, each counted once however many names it has. A container may be writing
 * there: directories are gone through by descriptor, so that no symlink put in their place leads out of `dir`.
 */
export async function treeSize(dir: string): Promise<number> {
  return sizeBelow(await open(dir, DIRECTORY), new Set(), 0);
}

async function sizeBelow(directory: FileHandle, linked: Set<string>, depth: number): Promise<number> {
  try {
    // Of this process: what the descriptor stands for, wherever that is by now.
    const here = `/proc/self/fd/${directory.fd}`;
    let bytes = 0;
    for (const name of await readdir(here, { encoding: 'buffer' })) {
      const path = Buffer.concat([Buffer.from(`${here}/`), name]);
      try {
        const stat = await lstat(path);
        if (stat.isDirectory()) bytes += depth < DEEPEST ? await sizeBelow(await open(path, DIRECTORY), linked, depth + 1) : 0;
        else if (stat.isFile() && (stat.nlink === 1 || isNew(linked, `${stat.dev}:${stat.ino}`))) bytes += stat.size;
      } catch (error) {
        // It is gone, or something else, since it was listed.
        if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
      }
    }
    return bytes;
  } finally {
    await directory.close();
  }
}

function isNew(known: Set<string>, key: string): boolean {
  if (known.has(key)) return false;
  known.add(key);
  return true;
}
