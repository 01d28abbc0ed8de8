import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Prints a result and keeps it in bench/results, replacing the last one. */
export function writeResult(name: string, markdown: string): void {
  const dir = join(import.meta.dirname, '..', 'results');
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, `${name}.md`), markdown);
  console.log(markdown);
}
