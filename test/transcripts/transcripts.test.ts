import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { play } from './runner.ts';

/** `UPDATE_TRANSCRIPTS=1 npx vitest run test/transcripts` writes what happens now; the diff is then for people to judge. */
const update = process.env['UPDATE_TRANSCRIPTS'] === '1';

const names = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.txt'));

test.each(names)('%s', (name) => {
  const path = join(import.meta.dirname, name);
  const script = readFileSync(path, 'utf8');
  const played = play(script);
  if (update) writeFileSync(path, played);
  else expect(played).toBe(script);
});
