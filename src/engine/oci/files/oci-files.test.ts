import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lgetxattr } from '../../../linux/xattr.ts';
import { A } from '../../contract.test-suite.ts';
import type { ContainerSpec, MountWish } from '../../port.ts';
import { fixtureTar } from '../images/unpack/tar-fixture.ts';
import type { OciEngine } from '../oci-engine.ts';
import { FilesBench, KEEP, never, unpacked } from './files-bench.test-suite.ts';

let files: FilesBench;
let engine: OciEngine;
beforeEach(async () => {
  files = await FilesBench.open();
  engine = files.engine;
});
afterEach(() => files.destroy());

describe.each(['a container that does not run', 'a running container'])('files of %s', (kind) => {
  const ready = async (change: Partial<ContainerSpec> = {}): Promise<void> =>
    kind.startsWith('a running') ? files.run('true', change) : files.create(change);

  it('are told of as Docker does', async () => {
    await ready();
    expect(await engine.statPath(A, '/etc/passwd')).toMatchObject({ name: 'passwd', sizeBytes: 71, mode: 0o644, linkTarget: '' });
    expect(await engine.statPath(A, 'etc/')).toMatchObject({ name: 'etc', mode: 2 ** 31 + 0o755 });
    expect(await engine.statPath(A, '/')).toMatchObject({ name: '/' });
    expect(await engine.statPath(A, '/etc/.')).toMatchObject({ name: '.' });
    expect(await engine.statPath(A, '/bin/sh')).toMatchObject({ name: 'sh', mode: 2 ** 27 + 0o777, linkTarget: '/bin/busybox' });
    await expect(engine.statPath(A, '/nope')).rejects.toMatchObject({ code: 'no-such-path', message: 'Could not find the file /nope' });
    await expect(engine.statPath(A, '/etc/passwd/')).rejects.toMatchObject({ code: 'not-a-directory' });
  });

  it('come as a tar, named as they were asked for', async () => {
    await ready();
    expect(await files.names('/etc/passwd')).toEqual(['etc/passwd'.slice(4)]);
    expect((await files.names('/etc')).slice(0, 2)).toEqual(['etc/', 'etc/group']);
    expect((await files.names('/etc/.')).slice(0, 2)).toEqual(['./', './group']);
    expect((await files.names('/')).slice(0, 2)).toEqual(['/', '/bin/']);
    expect(await files.read('/bin/sh')).toMatchObject([{ name: 'sh', type: '2', link: 'busybox' }]);
    await expect(engine.readArchive(A, '/nope', never)).rejects.toMatchObject({ code: 'no-such-path' });
  });

  it('of any size come back as they were written', async () => {
    await ready();
    const sizes = [1, 100_000, 131_072, 131_073, 215_000, 261_000, 262_144, 300_000, 400_000, 1_000_000];
    const entries = sizes.map((size) => ({ name: String(size), content: String(size % 7).repeat(size) }));
    await files.write('/tmp', entries);
    const found = await files.read('/tmp/.');
    for (const { name, content } of entries) expect(found.find((each) => each.name === `./${name}`)?.content === content, name).toBe(true);
  });

  it('are written, with all that a tar says of them', async () => {
    await ready();
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
    const long = `${'d'.repeat(90)}/${'f'.repeat(90)}`;
    await files.write('/tmp', [
      { name: 'd/', mode: 0o751, uid: 7, gid: 8, mtime: 1_000_000_000 },
      {
        name: 'd/su',
        mode: 0o4755,
        uid: 1000,
        gid: 2000,
        content: 'program',
        mtime: 1_100_000_000,
        pax: { 'SCHILY.xattr.security.capability': capability },
      },
      { name: 'd/twin', type: '1', link: 'd/su' },
      { name: 'd/soft', type: '2', link: '/nowhere' },
      { name: 'd/pipe', type: '6', mode: 0o600 },
      { name: 'd/null', type: '3', major: 1, minor: 3, mode: 0o666 },
      { name: 'x', content: 'long', pax: { path: long } },
      { name: 'ü', content: 'not ASCII' },
    ]);
    const found = new Map((await files.read('/tmp/.')).map((entry) => [entry.name, entry]));
    expect(found.get('./d/')).toMatchObject({ mode: 0o751, uid: 7, gid: 8, mtime: 1_000_000_000 });
    expect(found.get('./d/null')).toMatchObject({ type: '3', major: 1, minor: 3 });
    expect(found.get('./d/pipe')).toMatchObject({ type: '6', mode: 0o600 });
    expect(found.get('./d/soft')).toMatchObject({ type: '2', link: '/nowhere' });
    const su = found.get('./d/su');
    expect(su).toMatchObject({ type: '0', mode: 0o4755, uid: 1000, gid: 2000, content: 'program', mtime: 1_100_000_000 });
    expect(su?.xattrs.get('security.capability')).toEqual(capability);
    expect(found.get('./d/twin')).toMatchObject({ type: '1', link: './d/su' });
    expect(found.get(`./${long}`)).toMatchObject({ content: 'long' });
    expect(found.get('./ü')).toMatchObject({ content: 'not ASCII' });
    expect(lgetxattr(files.upper('tmp/d/su'), 'security.capability')).toEqual(capability);
  });

  it('are with what is mounted in it', async () => {
    const bound = join(files.bench.dir, 'bound');
    mkdirSync(bound);
    writeFileSync(join(bound, 'file'), 'of the host');
    const mounts: MountWish[] = [
      { kind: 'bind', source: bound, target: '/srv/bound', readOnly: true, propagation: 'rprivate', createSource: false },
      { kind: 'volume', name: 'vol', target: '/srv/vol', readOnly: false, anonymous: false, noCopy: false, labels: {} },
    ];
    await ready({ mounts });
    expect(await files.contentOf('/srv/bound/file')).toBe('of the host');
    await expect(files.write('/srv/bound', [{ name: 'x' }])).rejects.toMatchObject({ code: 'read-only' });
    await files.write('/srv/vol', [{ name: 'x', content: 'kept' }]);
    expect(readFileSync(join(files.bench.dataDir, 'volumes/vol/_data/x'), 'utf8')).toBe('kept');
    expect(existsSync(files.upper('srv/vol/x'))).toBe(false);
  });

  it('can’t be written where its root is read-only', async () => {
    const tmpfs: MountWish = { kind: 'tmpfs', target: '/tmp', readOnly: false, sizeBytes: 0, mode: 0o1777, options: [] };
    await ready({ readonlyRootfs: true, ...(kind.startsWith('a running') ? { mounts: [tmpfs] } : {}) });
    await expect(files.write('/etc', [{ name: 'x' }])).rejects.toMatchObject({
      code: 'read-only',
      message: expect.stringContaining('marked read-only'),
    });
  });

  it('are exported without what is mounted', async () => {
    await ready();
    await files.write('/tmp', [{ name: 'new', content: 'here' }]);
    const found = await unpacked(await engine.exportRoot(A, never));
    expect(found.find(({ name }) => name === 'tmp/new')?.content).toBe('here');
    expect(found.find(({ name }) => name === 'bin/busybox')?.sizeBytes).toBeGreaterThan(100_000);
    expect(found.filter(({ name }) => /^(proc|sys|dev)\/./.test(name))).toEqual([]);
  });

  it('differ from the image by what it changed, and by nothing that the runtime made', async () => {
    await ready();
    expect(await engine.changes(A)).toEqual([]);
    await files.write('/etc', [
      { name: 'passwd', content: 'root' },
      { name: 'new', content: '' },
    ]);
    expect(await engine.changes(A)).toEqual([
      { path: '/etc', kind: 'modified' },
      { path: '/etc/new', kind: 'added' },
      { path: '/etc/passwd', kind: 'modified' },
    ]);
    const { writtenBytes, rootBytes } = await engine.sizes(A);
    expect(writtenBytes).toBeGreaterThanOrEqual(4);
    expect(rootBytes).toBeGreaterThanOrEqual(writtenBytes);
  });
});

describe('files in an archive', () => {
  it('are written plain, by gzip and by zstd, and nothing else', async () => {
    await files.create();
    for (const [name, pack] of Object.entries({ plain: (tar: Buffer) => tar, gzip: gzipSync, zstd: zstdCompressSync })) {
      await engine.writeArchive(A, '/tmp', Readable.from([pack(fixtureTar([{ name, content: name }]))]), KEEP);
      expect(await files.contentOf(`/tmp/${name}`)).toBe(name);
    }
    for (const wrong of [
      Buffer.from('no tar at all'.repeat(100)),
      gzipSync('no tar').subarray(0, 20),
      fixtureTar([{ name: 'cut', content: 'x' }]).subarray(0, 520),
    ]) {
      await expect(engine.writeArchive(A, '/tmp', Readable.from([wrong]), KEEP)).rejects.toMatchObject({ code: 'bad-archive' });
    }
    await engine.writeArchive(A, '/tmp', Readable.from([]), KEEP);
  });

  it('are written only where a directory is', async () => {
    await files.create();
    await expect(files.write('/nope', [])).rejects.toMatchObject({ code: 'no-such-path' });
    await expect(files.write('/etc/passwd', [])).rejects.toMatchObject({
      code: 'not-a-directory',
      message: 'extraction point is not a directory',
    });
    await files.write('/tmp', [{ name: 'dir/' }, { name: 'to', type: '2', link: 'dir' }]);
    await files.write('/tmp/to', [{ name: 'file', content: 'through the link' }]);
    expect(await files.contentOf('/tmp/dir/file')).toBe('through the link');
  });

  it('take each other’s place, unless that was refused', async () => {
    await files.create();
    await files.write('/tmp', [{ name: 'a/' }, { name: 'a/inside' }, { name: 'b', content: 'file' }]);
    const refusing = { ...KEEP, noOverwriteDirNonDir: true };
    await expect(files.write('/tmp', [{ name: 'a', content: 'file' }], refusing)).rejects.toMatchObject({ code: 'conflict' });
    await expect(files.write('/tmp', [{ name: 'b/' }], refusing)).rejects.toMatchObject({ code: 'conflict' });
    await files.write('/tmp', [{ name: 'a', content: 'file' }, { name: 'b/' }]);
    expect(await files.contentOf('/tmp/a')).toBe('file');
    expect(await files.names('/tmp/b')).toEqual(['b/']);
  });

  it('belong to the container’s user where that was asked for', async () => {
    await files.create({ user: 'sailor' });
    await files.write('/tmp', [{ name: 'mine', uid: 5, gid: 6 }], { ...KEEP, copyUidGid: true });
    await files.write('/tmp', [{ name: 'theirs', uid: 5, gid: 6 }]);
    expect(await files.read('/tmp/mine')).toMatchObject([{ uid: 1001, gid: 1002 }]);
    expect(await files.read('/tmp/theirs')).toMatchObject([{ uid: 5, gid: 6 }]);
  });

  it('leave nothing behind on the host', async () => {
    await files.create();
    await files.write('/tmp', [{ name: 'x' }]);
    await files.read('/etc');
    await engine.changes(A);
    await (await engine.exportLayer(A, never)).forEach(() => undefined);
    expect(await files.bench.traces()).toEqual([]);
    expect(readdirSync(join(files.bench.dataDir, 'containers', A, 'log'))).toEqual([]);
  });
});

describe('a layer of what a container wrote', () => {
  it('has whiteouts, and no trace of the runtime', async () => {
    await files.run('rm /etc/group; rm -r /root; mkdir /root; echo > /root/new; mkdir /made; ln -s x /made/link');
    const found = await unpacked(await engine.exportLayer(A, never));
    expect(found.map(({ name, type }) => `${type} ${name}`)).toEqual([
      '5 etc/',
      '0 etc/.wh.group',
      '5 made/',
      '2 made/link',
      '5 root/',
      '0 root/.wh..wh..opq',
      '0 root/new',
    ]);
    expect(await engine.changes(A)).toEqual(
      expect.arrayContaining([
        { path: '/etc/group', kind: 'deleted' },
        { path: '/made', kind: 'added' },
        { path: '/root', kind: 'modified' },
        { path: '/root/new', kind: 'added' },
      ]),
    );
  });
});
