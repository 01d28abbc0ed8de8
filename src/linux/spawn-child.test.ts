import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Outlives its failures, as whoever can't start a process does. */
const PROGRAM = `
  import { openSync } from 'node:fs';
  import { spawnChild } from ${JSON.stringify(join(import.meta.dirname, 'spawn-child.ts'))};
  spawnChild('/nonexistent', [], { stdio: 'ignore' });
  try {
    for (;;) openSync('/dev/null', 'r');
  } catch {}
  try {
    spawnChild('/bin/true', [], { stdio: ['ignore', 'pipe'] });
  } catch (error) {
    process.stdout.write(error.message);
  }
  await new Promise((resolve) => setImmediate(resolve));
`;

test('a process without free descriptors hears of that, and goes on', () => {
  const script = 'ulimit -n 64 && exec "$0" --input-type=module -e "$1"';
  const said = execFileSync('bash', ['-c', script, process.execPath, PROGRAM], { encoding: 'utf8' });
  expect(said).toContain('no file descriptor left (EMFILE)');
});
