import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
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

test('one whose output nobody begins to read ends when it is let go', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'caravela-files-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  // More than all buffers on the way hold.
  writeFileSync(join(dir, 'large'), Buffer.alloc(4 * 1024 * 1024));
  const child = new FilesChild({ jail: { kind: 'bare', dir }, task: { kind: 'export' } }, {});
  onTestFinished(() => child.kill());
  expect(await child.first()).toEqual({ kind: 'begun' });
  child.output().destroy();
  await child.closed;
});

test('an archive that fails after its child has ended fails nobody', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'caravela-files-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const archive = new PassThrough();
  const options = { noOverwriteDirNonDir: false, copyUidGid: false };
  const task = { kind: 'write', path: '/missing', options, user: '' } as const;
  const child = new FilesChild({ jail: { kind: 'bare', dir }, task }, { archive });
  await expect(child.done()).rejects.toMatchObject({ code: 'no-such-path' });
  archive.destroy(new Error('whoever sent it has gone'));
  await new Promise((resolve) => archive.once('close', resolve));
  expect(archive.errored?.message).toBe('whoever sent it has gone');
});
