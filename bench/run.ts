/** Every bench in turn, each a process of its own: `make bench`. A failed one does not keep the others from running. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const BENCHES = [
  'cli',
  'start',
  'docker-start',
  'images',
  'streams',
  'ps',
  'concurrent',
  'idle',
  'network',
  'network-start',
  'network-scale',
  'agreement',
  'scheduling',
];

const failed = BENCHES.filter((name) => {
  console.error(`bench ${name}`);
  return spawnSync(process.execPath, [join(import.meta.dirname, `${name}.ts`)], { stdio: 'inherit' }).status !== 0;
});
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
