import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { fixtureTar } from '../images/unpack/tar-fixture.ts';
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

test.each([false, true])('one whose output nobody begins to read ends when it is let go; it waits to write: %s', async (isFull) => {
  const dir = mkdtempSync(join(tmpdir(), 'caravela-files-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  // More than all buffers on the way hold.
  writeFileSync(join(dir, 'large'), Buffer.alloc(4 * 1024 * 1024));
  const child = new FilesChild({ jail: { kind: 'bare', dir }, task: { kind: 'export' } }, {});
  onTestFinished(() => child.kill());
  expect(await child.first()).toEqual({ kind: 'begun' });
  if (isFull) await delay(500);
  child.output().destroy();
  await child.closed;
});

test('one that is ended while somebody reads says so, and gives no part for the whole', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'caravela-files-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'large'), Buffer.alloc(4 * 1024 * 1024));
  const leaving = new AbortController();
  const child = new FilesChild({ jail: { kind: 'bare', dir }, task: { kind: 'export' } }, { signal: leaving.signal });
  await child.first();
  const output = child.output()[Symbol.asyncIterator]();
  expect((await output.next()).done).toBe(false);
  leaving.abort(new Error('whoever asked has gone'));
  await child.closed;
  await expect(buffer(child.output())).rejects.toThrow('whoever asked has gone');
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

/** The processes of this one's that look at files. */
const childOf = (dir: string): number =>
  Number(
    readdirSync('/proc').find((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(dir);
      } catch {
        return false;
      }
    }),
  );

test('one that gets nowhere is ended, and who waits for it is told why', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'caravela-files-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const child = new FilesChild({ jail: { kind: 'bare', dir }, task: { kind: 'export' } }, { hungAfterMs: 300 });
  // As one that waits for a server that is gone: it neither does anything nor ends.
  process.kill(childOf(dir), 'SIGSTOP');
  await expect(child.first()).rejects.toMatchObject({
    code: 'engine-failed',
    message: expect.stringContaining('got no further for 0.3 s'),
  });
  await child.closed;
});

test('one whose output is taken late is not ended for it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'caravela-files-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'large'), Buffer.alloc(4 * 1024 * 1024));
  const child = new FilesChild({ jail: { kind: 'bare', dir }, task: { kind: 'export' } }, { hungAfterMs: 1_000 });
  await child.first();
  await delay(2_500);
  expect((await buffer(child.output())).length).toBeGreaterThan(4 * 1024 * 1024);
});

test('one that waits for an archive is not ended for it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'caravela-files-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const archive = new PassThrough();
  const options = { noOverwriteDirNonDir: false, copyUidGid: false };
  const task = { kind: 'write', path: '/', options, user: '' } as const;
  const child = new FilesChild({ jail: { kind: 'bare', dir }, task }, { archive, hungAfterMs: 1_000 });
  await delay(2_500);
  archive.end(fixtureTar([{ name: 'late', content: 'there' }]));
  await child.done();
  expect(readFileSync(join(dir, 'late'), 'utf8')).toBe('there');
});
