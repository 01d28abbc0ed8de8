import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { type Header, pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { Failure } from '../failure.ts';
import { assertedPath, written } from './asserted-path.ts';
import { parseCpArgument } from './cp-argument.ts';
import { unpack } from './unpack.ts';

describe('one side of cp', () => {
  it.each([
    ['web:/x', { kind: 'container', container: 'web', path: '/x' }],
    ['web:x:y', { kind: 'container', container: 'web', path: 'x:y' }],
    ['/a:b', { kind: 'local', path: '/a:b' }],
    ['./web:/x', { kind: 'local', path: './web:/x' }],
    ['.', { kind: 'local', path: '.' }],
    ['x', { kind: 'local', path: 'x' }],
    ['-', { kind: 'local', path: '-' }],
  ])('%s', (text, wanted) => expect(parseCpArgument(text)).toEqual(wanted));
  it.each([
    ['', /is empty/],
    [':/x', /names no container/],
    ['web:', /has no path/],
  ])('refuses %j', (text, why) => expect(() => parseCpArgument(text)).toThrow(why));

  it('keeps every character', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        let argument;
        try {
          argument = parseCpArgument(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          return;
        }
        expect(argument.kind === 'local' ? argument.path : `${argument.container}:${argument.path}`).toBe(text);
      }),
    );
  });
});

describe('a path that asserts', () => {
  it.each([
    ['a', '/b/a', false, false, '/b/a'],
    ['a/', '/b/a', false, true, '/b/a/'],
    ['a/.', '/b/a', true, true, '/b/a/.'],
    ['.', '/b', true, true, '/b/.'],
    ['..', '/', false, false, '/'],
    ['/', '/', false, true, '/'],
    ['/.', '/', true, true, '/.'],
    ['a/../c/./d', '/b/c/d', false, false, '/b/c/d'],
    ['../../..', '/', false, false, '/'],
    ['a.', '/b/a.', false, false, '/b/a.'],
  ])('%s', (text, path, contents, directory, whole) => {
    expect(assertedPath(text, '/b')).toEqual({ path, contents, directory });
    expect(written(assertedPath(text, '/b'))).toBe(whole);
  });

  it('means the same when it is written again', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '.', '..', '', 'b.')), (parts) => {
        const asserted = assertedPath(parts.join('/'), '/base');
        expect(assertedPath(written(asserted), '/')).toEqual({ ...asserted, directory: asserted.directory || asserted.path === '/' });
      }),
    );
  });
});

describe('an archive', () => {
  // Linux knows no symbolic link to nothing; seen when a random archive had one.
  it.each(['symlink', 'link'] as const)('with a %s to nothing is refused by its name', async (type) => {
    const directory = mkdtempSync(join(tmpdir(), 'caravela-unpack-'));
    try {
      const archive = pack();
      archive.entry({ name: 'in/odd', type, linkname: '' });
      archive.finalize();
      const unpacked = unpack(Readable.from(archive, { objectMode: false }), {
        directory,
        rename: undefined,
        hasRoot: true,
        keepOwners: false,
        warn: () => undefined,
      });
      await expect(unpacked).rejects.toThrow(new Failure(`the archive from the container makes ${directory}/odd a link to nothing`));
      expect(readdirSync(directory)).toEqual([]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  const name = fc
    .array(fc.constantFrom('c', 'a', 'b', '.', '..', '', 'door'), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.join('/'));
  const entry = fc.record({
    name,
    type: fc.constantFrom<Header['type']>('file', 'directory', 'symlink', 'link', 'fifo'),
    linkname: fc.oneof(name, fc.constantFrom('/', '/tmp', '../..', '../outside')),
  });

  it('never writes outside of its destination, whatever it has', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 8 }),
        fc.constantFrom(undefined, 'new'),
        fc.boolean(),
        async (entries, rename, hasRoot) => {
          const scratch = mkdtempSync(join(tmpdir(), 'caravela-unpack-'));
          try {
            const directory = join(scratch, 'in');
            mkdirSync(directory);
            mkdirSync(join(scratch, 'outside'));
            writeFileSync(join(scratch, 'outside', 'kept'), '');
            symlinkSync('../outside', join(directory, 'door'));
            const archive = pack();
            for (const { type, ...header } of entries) archive.entry({ ...header, type }, type === 'file' ? 'x' : '');
            archive.finalize();
            await unpack(Readable.from(archive, { objectMode: false }), {
              directory,
              rename,
              hasRoot,
              keepOwners: false,
              warn: () => undefined,
            }).catch((error: unknown) => {
              expect(error instanceof Failure || (error instanceof Error && 'syscall' in error)).toBe(true);
            });
            expect(readdirSync(scratch).sort()).toEqual(['in', 'outside']);
            expect(readdirSync(join(scratch, 'outside'))).toEqual(['kept']);
          } finally {
            rmSync(scratch, { recursive: true, force: true });
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
