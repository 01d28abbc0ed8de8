import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lgetxattr } from '../../../../linux/xattr.ts';
import type { ImageError } from '../../../port.ts';
import type { UnpackedLayer } from './protocol.ts';
import { type FixtureEntry, fixtureEntry, fixtureTar } from './tar-fixture.ts';
import { defaultUnpackEntry, Unpacker, type UnpackRequest } from './unpack.ts';

/** Of all tests: so they show too that one layer leaves no trace in the next. */
const unpacker = new Unpacker(defaultUnpackEntry());

/** base/secret is what a malicious layer is after; base/layers/root is where it belongs. */
let base: string;
let root: string;
let secret: string;

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'caravela-unpack-'));
  secret = join(base, 'secret');
});
afterAll(() => rmSync(base, { recursive: true, force: true }));
beforeEach(() => {
  rmSync(base, { recursive: true, force: true });
  root = join(base, 'layers', 'root');
  mkdirSync(root, { recursive: true });
  writeFileSync(secret, 'untouched', { mode: 0o600 });
});

async function unpackBytes(blob: Buffer, limits: Partial<UnpackRequest> = {}): Promise<UnpackedLayer> {
  const blobPath = join(base, 'blob');
  writeFileSync(blobPath, blob);
  try {
    return await unpacker.unpack({
      blobPath,
      root,
      what: 'layer test',
      unpackedLayerBytes: 2 ** 30,
      layerEntries: 1000,
      freeDiskBytes: 0,
      signal: AbortSignal.timeout(30_000),
      onProgress: () => undefined,
      ...limits,
    });
  } finally {
    rmSync(blobPath);
  }
}

const unpackEntries = (entries: readonly FixtureEntry[]): Promise<UnpackedLayer> => unpackBytes(fixtureTar(entries));

/** Nothing outside the layer's directory has changed. */
function expectNothingEscaped(): void {
  expect(readdirSync(base).sort()).toEqual(['layers', 'secret']);
  expect(readdirSync(join(base, 'layers'))).toEqual(['root']);
  expect(readFileSync(secret, 'utf8')).toBe('untouched');
  expect(lstatSync(secret)).toMatchObject({ mode: 0o100600, uid: 0, nlink: 1 });
}

describe('an honest layer', () => {
  it('comes out with owners, modes, times, links and attributes', async () => {
    const capability = Buffer.from([1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const tar = fixtureTar([
      { name: './', mode: 0o751 },
      { name: 'etc/', mode: 0o750, uid: 5, gid: 6, mtime: 1_000_000 },
      { name: 'etc/passwd', content: 'root', mode: 0o640, mtime: 2_000_000 },
      {
        name: 'bin/su',
        content: 'elf',
        mode: 0o4755,
        uid: 1000,
        pax: { 'SCHILY.xattr.security.capability': capability, mtime: '3000000.25' },
      },
      { name: 'bin/login', type: '1', link: 'bin/su' },
      { name: 'bin/sh', type: '2', link: '/bin/busybox', uid: 7 },
      { name: 'dev/pipe', type: '6', mode: 0o622 },
      { name: 'dev/null', type: '3', major: 1, minor: 3, mode: 0o666 },
      { name: 'short', content: 'long name', pax: { path: `long/${'n'.repeat(200)}`, 'SCHILY.xattr.user.note': 'kept' } },
    ]);
    const layer = await unpackBytes(tar);
    expect(layer).toEqual({ diffId: `sha256:${createHash('sha256').update(tar).digest('hex')}`, sizeBytes: 16, entries: 9 });
    expect(lstatSync(root).mode & 0o7777).toBe(0o751);
    expect(lstatSync(join(root, 'etc'))).toMatchObject({ mode: 0o40750, uid: 5, gid: 6, mtimeMs: 1e9 });
    expect(lstatSync(join(root, 'etc/passwd'))).toMatchObject({ mode: 0o100640, size: 4, mtimeMs: 2e9 });
    expect(lstatSync(join(root, 'bin/su'))).toMatchObject({ mode: 0o104755, uid: 1000, nlink: 2, mtimeMs: 3_000_000_250 });
    expect(lgetxattr(join(root, 'bin/su'), 'security.capability')).toEqual(capability);
    expect(readlinkSync(join(root, 'bin/sh'))).toBe('/bin/busybox');
    expect(lstatSync(join(root, 'bin/sh')).uid).toBe(7);
    expect(lstatSync(join(root, 'dev/pipe')).isFIFO()).toBe(true);
    expect(lstatSync(join(root, 'dev/null'))).toMatchObject({ mode: 0o20666, rdev: 259 });
    expect(lgetxattr(join(root, 'long', 'n'.repeat(200)), 'user.note')?.toString()).toBe('kept');
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('may be compressed with %s', async (_, compress) => {
    const tar = fixtureTar([{ name: 'big', content: Buffer.alloc(3_000_000, 'x') }]);
    const layer = await unpackBytes(compress(tar));
    expect(layer.diffId).toBe(`sha256:${createHash('sha256').update(tar).digest('hex')}`);
    expect(readFileSync(join(root, 'big'))).toEqual(Buffer.alloc(3_000_000, 'x'));
  });

  it('has its whiteouts turned into overlayfs form', async () => {
    await unpackEntries([
      { name: 'a/.wh.gone' },
      { name: 'opaque/.wh..wh..opq' },
      { name: 'opaque/new', content: '1' },
      { name: 'b/.wh.replaced' },
      { name: 'b/replaced/' },
      { name: 'c/both/' },
      { name: 'c/.wh.both' },
      { name: '.wh..wh.plnk/1234.5', content: 'aufs' },
      { name: '.wh..wh.aufs', content: 'aufs' },
    ]);
    expect(lstatSync(join(root, 'a/gone'))).toMatchObject({ mode: 0o20000, rdev: 0 });
    expect(readdirSync(root).sort()).toEqual(['a', 'b', 'c', 'opaque']);
    expect(readdirSync(join(root, 'opaque'))).toEqual(['new']);
    for (const dir of ['opaque', 'b/replaced', 'c/both'])
      expect(lgetxattr(join(root, dir), 'trusted.overlay.opaque')?.toString()).toBe('y');
    expect(lgetxattr(join(root, 'a'), 'trusted.overlay.opaque')).toBeUndefined();
  });
});

describe('a malicious layer stays inside', () => {
  it('with ../ and absolute names', async () => {
    await unpackEntries([
      { name: '../../secret', content: 'x' },
      { name: '/../secret2', content: 'x' },
      { name: 'a/../../../secret3', content: 'x' },
      { name: secret, content: 'x' },
    ]);
    expectNothingEscaped();
    expect(readFileSync(join(root, 'secret'), 'utf8')).toBe('x');
    expect(readFileSync(join(root, secret), 'utf8')).toBe('x');
  });

  it('writing through a symlink: the link is replaced', async () => {
    await unpackEntries([
      { name: 'out', type: '2', link: base },
      { name: 'out/secret', content: 'x' },
      { name: 'up', type: '2', link: '../../..' },
      { name: 'up/secret', content: 'x' },
      { name: 'file', type: '2', link: secret },
      { name: 'file', content: 'x' },
    ]);
    expectNothingEscaped();
    expect(lstatSync(join(root, 'out')).isDirectory()).toBe(true);
    expect(readFileSync(join(root, 'out/secret'), 'utf8')).toBe('x');
    expect(lstatSync(join(root, 'file')).isFile()).toBe(true);
  });

  it('changing the mode of a directory through a symlink', async () => {
    await unpackEntries([
      { name: 'dir', type: '2', link: base },
      { name: 'dir/', mode: 0o777 },
    ]);
    expectNothingEscaped();
    expect(lstatSync(join(root, 'dir'))).toMatchObject({ mode: 0o40777 });
  });

  it.each(['../../secret', '/../../secret', 'link/secret'])('with a hard link to %s', async (link) => {
    const unpacking = unpackEntries([
      { name: 'link', type: '2', link: base },
      { name: 'stolen', type: '1', link },
    ]);
    await expect(unpacking).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining("which the layer doesn't have") });
    expectNothingEscaped();
  });

  it('whiting out through a symlink', async () => {
    await unpackEntries([
      { name: 'link', type: '2', link: base },
      { name: 'link/.wh.secret' },
      { name: 'opq', type: '2', link: base },
      { name: 'opq/.wh..wh..opq' },
    ]);
    expectNothingEscaped();
    expect(lgetxattr(base, 'trusted.overlay.opaque')).toBeUndefined();
    expect(lstatSync(join(root, 'link/secret')).isCharacterDevice()).toBe(true);
  });

  it('and keeps no attribute of overlayfs', async () => {
    await unpackEntries([
      { name: 'dir/', pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/etc', 'SCHILY.xattr.user.overlay.opaque': 'y' } },
      { name: 'file', content: 'x', pax: { 'SCHILY.xattr.trusted.overlay.metacopy': '' } },
    ]);
    expect(lgetxattr(join(root, 'dir'), 'trusted.overlay.redirect')).toBeUndefined();
    expect(lgetxattr(join(root, 'dir'), 'user.overlay.opaque')).toBeUndefined();
    expect(lgetxattr(join(root, 'file'), 'trusted.overlay.metacopy')).toBeUndefined();
  });
});

describe('a layer is refused', () => {
  it.each<[string, readonly FixtureEntry[], string]>([
    ['.wh.', [{ name: 'dir/.wh.' }], 'whiteout of no file'],
    ['.wh..', [{ name: 'dir/.wh..' }], 'whiteout of no file'],
    ['.wh...', [{ name: 'dir/.wh...' }], 'whiteout of no file'],
    ['an entry below a whiteout', [{ name: '.wh.dir/file' }], 'below a whiteout'],
    ['a ready-made whiteout', [{ name: 'dev', type: '3' }], 'device 0:0'],
    ['a GNU sparse file', [{ name: 'sparse', type: 'S' }], 'sparse'],
    ['a pax sparse file', [{ name: 'sparse', pax: { 'GNU.sparse.major': '1' } }], 'sparse'],
    ['an unknown type', [{ name: 'odd', type: 'V' }], 'unknown type'],
    ['a hard link to a directory', [{ name: 'dir/' }, { name: 'link', type: '1', link: 'dir' }], 'which is no file'],
    ['a huge extended header', [{ name: 'x', type: 'x', sizeBytes: 2 ** 21 }], 'extended header'],
    ['a path that could not be removed', [{ name: 'x', pax: { path: 'd/'.repeat(1600) } }], 'more than 3072 bytes'],
    ['a name that is too long for Linux', [{ name: 'x', pax: { path: 'n'.repeat(300) } }], 'ENAMETOOLONG'],
    ['a NUL in a name', [{ name: 'x', pax: { path: 'a\0b' } }], 'NUL'],
    ['a name that is not UTF-8', [{ name: 'x', pax: { path: Buffer.from([0x61, 0xff]) } }], 'not UTF-8'],
  ])('for %s', async (_, entries, words) => {
    await expect(unpackEntries(entries)).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(words) });
    expectNothingEscaped();
  });

  it('when it is cut short, anywhere', async () => {
    const tar = fixtureTar([{ name: 'a', content: 'x'.repeat(700) }]);
    for (const length of [100, 600, 1300]) await expect(unpackBytes(tar.subarray(0, length))).rejects.toMatchObject({ code: 'corrupt' });
    await expect(unpackBytes(gzipSync(tar).subarray(0, -12))).rejects.toMatchObject({ code: 'corrupt' });
  });

  it('when a checksum is wrong', async () => {
    const tar = fixtureTar([{ name: 'a' }]);
    tar[0] = 0x62;
    await expect(unpackBytes(tar)).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining('checksum') });
  });

  it('when it has too many entries', async () => {
    const many = Array.from({ length: 20 }, (_, i) => ({ name: `f${i}` }));
    await expect(unpackBytes(fixtureTar(many), { layerEntries: 10 })).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('10 entries'),
    });
  });

  it('when it is a decompression bomb', async () => {
    const bomb = gzipSync(fixtureTar([{ name: 'zeros', content: Buffer.alloc(20_000_000) }]));
    expect(bomb.length).toBeLessThan(30_000);
    await expect(unpackBytes(bomb, { unpackedLayerBytes: 2 ** 20 })).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('1048576 bytes'),
    });
  });

  it('when it would fill the disk', async () => {
    await expect(unpackBytes(fixtureTar([{ name: 'a' }]), { freeDiskBytes: 2 ** 60 })).rejects.toMatchObject({
      code: 'no-space',
    } satisfies Partial<ImageError>);
  });
});

it('stops when it is told to', async () => {
  const abort = new AbortController();
  const endless = Buffer.concat([fixtureEntry({ name: 'big', sizeBytes: 80_000_000 }), Buffer.alloc(80_000_000)]);
  const unpacking = unpackBytes(endless, { signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(unpacking).rejects.toThrow('enough');
});
