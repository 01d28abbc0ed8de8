import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { FilesChild } from './run-files-child.ts';

test('what a child wrote before it ended is there for who comes late', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'caravela-files-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'small'), 'its content');
  const child = new FilesChild({ jail: { kind: 'bare', dir }, task: { kind: 'export' } }, {});
  expect(await child.first()).toEqual({ kind: 'begun' });
  await child.closed;
  const tar = await buffer(child.output());
  expect(tar.toString('latin1')).toContain('its content');
});
