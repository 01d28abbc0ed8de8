import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { must } from '../lab/shell.ts';

const SCRIPT = join(import.meta.dirname, 'build-base.sh');
const GUEST = join(import.meta.dirname, 'guest');
const BUILD_MS = 15 * 60_000;

/**
 * The directory with the test machine's disk, kernel and initrd. Built once, which takes some minutes,
 * and kept in the user's cache until what it is built from changes.
 */
export async function baseImage(): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'caravela-vm');
  const key = keyOf([SCRIPT, ...readdirSync(GUEST).map((name) => join(GUEST, name))]);
  const dir = join(cache, key);
  mkdirSync(dir, { recursive: true });
  for (const name of readdirSync(cache)) if (name !== key) rmSync(join(cache, name), { recursive: true, force: true });
  await must([SCRIPT, dir], { timeoutMs: BUILD_MS });
  return dir;
}

function keyOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file.slice(import.meta.dirname.length)}\0`).update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}
