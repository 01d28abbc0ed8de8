import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { hasCode } from '../../linux/system-error.ts';
import type { LogWish } from '../port.ts';

/** Docker's json-file needs options for a bound; ours is always there: three files of this size. */
export const LOG_FILE_BYTES = 20 * 1024 * 1024;
const LOG_FILES = 3;

/** What a log may take; its newest file passes its size by what is written in a second. */
export interface LogBounds {
  readonly fileBytes: number;
  readonly files: number;
}

export const logBounds = (log: LogWish | undefined): LogBounds => ({
  fileBytes: log?.fileBytes ?? LOG_FILE_BYTES,
  files: log?.files ?? LOG_FILES,
});

/** The log's files that are there, the oldest first: container.log.2, container.log.1, container.log. */
async function logFileNames(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path)).catch(() => []);
  const older = names.flatMap((name) => {
    const number = name.startsWith(prefix) ? name.slice(prefix.length) : '';
    return /^[1-9]\d{0,5}$/.test(number) ? [Number(number)] : [];
  });
  return [...older.sort((a, b) => b - a).map((number) => `${path}.${number}`), path];
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
  for (let tries = 1; ; tries++) {
    const names = await logFileNames(path);
    const opened: (OpenLog | undefined)[] = [];
    for (const name of names) opened.push(await openLog(name));
    const now = await Promise.all((await logFileNames(path)).map(inodeOf));
    const stoodStill = now.length === opened.length && opened.every((log, index) => log?.inode === now[index]);
    if (tries === TRIES || stoodStill) return distinct(opened);
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
export async function rotateLog(path: string, { fileBytes, files }: LogBounds, reopen: () => Promise<void>): Promise<boolean> {
  const size = await stat(path).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size < fileBytes) return false;
  const names = [...Array.from({ length: files - 1 }, (_, index) => `${path}.${files - 1 - index}`), path];
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
