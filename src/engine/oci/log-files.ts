import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { hasCode } from '../../linux/system-error.ts';

/** Docker's json-file needs options for a bound; ours is always there: three files of this size. */
export const LOG_FILE_BYTES = 20 * 1024 * 1024;
const LOG_FILES = 3;

/** The log's files, the oldest first: container.log.2, container.log.1, container.log. */
function logFileNames(path: string): string[] {
  return [...Array.from({ length: LOG_FILES - 1 }, (_, index) => `${path}.${LOG_FILES - 1 - index}`), path];
}

export interface OpenLog {
  readonly file: FileHandle;
  readonly inode: number;
}

/** A rotation takes well under a millisecond: so many tries in a row never meet one each. */
const TRIES = 20;

/**
 * Those that exist, open, the oldest first. Names move while they are opened one by one, and a file
 * that slipped through would look as if it were gone: so it is done again until the names stood still.
 */
export async function openLogs(path: string): Promise<OpenLog[]> {
  const names = logFileNames(path);
  for (let tries = 1; ; tries++) {
    const opened: (OpenLog | undefined)[] = [];
    for (const name of names) opened.push(await openLog(name));
    const now = await Promise.all(names.map(inodeOf));
    if (tries === TRIES || opened.every((log, index) => log?.inode === now[index])) return distinct(opened);
    await Promise.all(opened.flatMap((log) => (log === undefined ? [] : [log.file.close()])));
  }
}

async function inodeOf(name: string): Promise<number | undefined> {
  return stat(name).then(
    (stats) => stats.ino,
    () => undefined,
  );
}

async function distinct(opened: readonly (OpenLog | undefined)[]): Promise<OpenLog[]> {
  const logs: OpenLog[] = [];
  for (const log of opened) {
    if (log === undefined) continue;
    if (logs.some((each) => each.inode === log.inode)) await log.file.close();
    else logs.push(log);
  }
  return logs;
}

async function openLog(name: string): Promise<OpenLog | undefined> {
  let file: FileHandle;
  try {
    file = await open(name, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    return { file, inode: (await file.stat()).ino };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The file written after the one with `inode`; undefined while that is the newest. A file that is gone is followed by the oldest. */
export async function openSuccessor(path: string, inode: number): Promise<OpenLog | undefined> {
  const logs = await openLogs(path);
  const at = logs.findIndex((log) => log.inode === inode);
  const next = logs[at + 1];
  await Promise.all(logs.filter((log) => log !== next).map((log) => log.file.close()));
  return next;
}

/**
 * Where the newest file is full, moves each file one name on; the oldest goes. conmon keeps writing
 * to the moved file until `reopen` has told it.
 */
export async function rotateLog(path: string, reopen: () => Promise<void>): Promise<boolean> {
  const size = await stat(path).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size < LOG_FILE_BYTES) return false;
  const names = logFileNames(path);
  await rm(names[0] ?? path, { force: true });
  for (const [index, name] of names.entries()) {
    if (index > 0) await rename(name, names[index - 1] ?? path).catch(ignoreMissing);
  }
  await reopen();
  return true;
}

function ignoreMissing(error: unknown): void {
  if (!hasCode(error, 'ENOENT')) throw error;
}
