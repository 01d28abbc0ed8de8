import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { taskId } from '../../../core/model/index.ts';
import { mountPointsBelow } from '../../../linux/mount.ts';
import { lgetxattr, lsetxattr } from '../../../linux/xattr.ts';
import { A, B, logOptions } from '../../contract.test-suite.ts';
import type { ContainerSpec, MountWish, WriteArchiveOptions } from '../../port.ts';
import { containerSpec, ON_HOST } from '../../spec.test-suite.ts';
import { fixtureTar, type FixtureEntry } from '../images/unpack/tar-fixture.ts';
import { TarReader } from '../images/unpack/tar-reader.ts';
import type { TarEntry } from '../images/unpack/pax.ts';
import { OciBench } from '../oci-bench.test-suite.ts';
import type { OciEngine } from '../oci-engine.ts';

let bench: OciBench;
let engine: OciEngine;
/** A directory of the host's that no container may get at. */
let secret: string;

beforeEach(async () => {
  bench = new OciBench();
  engine = await bench.open();
  await engine.recover(() => true);
  secret = join(bench.dir, 'secret');
  mkdirSync(secret);
  writeFileSync(join(secret, 'key'), 'the key');
});
afterEach(async () => {
  await engine.remove(A, { volumes: true });
  await engine.remove(B, { volumes: true });
  await bench.destroy();
});

const never = new AbortController().signal;
const KEEP: WriteArchiveOptions = { noOverwriteDirNonDir: false, copyUidGid: false };
const upper = (path: string): string => join(bench.dataDir, 'containers', A, 'upper', path);

const create = (change: Partial<ContainerSpec> = {}): Promise<void> =>
  engine.create(A, containerSpec({ command: ['sleep', '600'], ...change }), []);
/** Runs the script, and then for as long as it takes. */
async function run(script: string, change: Partial<ContainerSpec> = {}): Promise<void> {
  await create({ command: ['sh', '-c', `${script}\necho ready; exec sleep 600`], ...change });
  await engine.start(A, taskId(A, 1), ON_HOST);
  for await (const { data } of engine.logs(A, logOptions({ follow: true }))) if (data.toString() === 'ready\n') break;
}
const write = (path: string, entries: readonly FixtureEntry[], options = KEEP): Promise<void> =>
  engine.writeArchive(A, path, Readable.from([fixtureTar(entries)]), options);

interface Found extends TarEntry {
  readonly content: string;
}
async function unpacked(stream: Readable): Promise<Found[]> {
  const found: Found[] = [];
  let [entry, content]: [TarEntry | undefined, Buffer[]] = [undefined, []];
  const reader = new TarReader({
    entry: (next) => {
      entry = next;
      content = [];
      if (next.type !== '0') found.push({ ...next, content: '' });
    },
    data: (chunk) => void content.push(Buffer.from(chunk)),
    endOfFile: () => void (entry && found.push({ ...entry, content: Buffer.concat(content).toString('latin1') })),
  });
  for await (const chunk of stream) reader.write(chunk as Buffer);
  reader.end();
  return found;
}
const read = async (path: string): Promise<Found[]> => unpacked((await engine.readArchive(A, path, never)).stream);
const names = async (path: string): Promise<string[]> => (await read(path)).map(({ name }) => name);
const contentOf = async (path: string): Promise<string | undefined> => (await read(path)).at(-1)?.content;

function processes(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    });
}

describe.each(['a container that does not run', 'a running container'])('files of %s', (kind) => {
  const ready = async (change: Partial<ContainerSpec> = {}): Promise<void> =>
    kind.startsWith('a running') ? run('true', change) : create(change);

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
    expect(await names('/etc/passwd')).toEqual(['etc/passwd'.slice(4)]);
    expect((await names('/etc')).slice(0, 2)).toEqual(['etc/', 'etc/group']);
    expect((await names('/etc/.')).slice(0, 2)).toEqual(['./', './group']);
    expect((await names('/')).slice(0, 2)).toEqual(['/', '/bin/']);
    expect(await read('/bin/sh')).toMatchObject([{ name: 'sh', type: '2', link: 'busybox' }]);
    await expect(engine.readArchive(A, '/nope', never)).rejects.toMatchObject({ code: 'no-such-path' });
  });

  it('are written, with all that a tar says of them', async () => {
    await ready();
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
    const long = `${'d'.repeat(90)}/${'f'.repeat(90)}`;
    await write('/tmp', [
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
    const found = new Map((await read('/tmp/.')).map((entry) => [entry.name, entry]));
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
    expect(lgetxattr(upper('tmp/d/su'), 'security.capability')).toEqual(capability);
  });

  it('are written plain, by gzip and by zstd, and nothing else', async () => {
    await ready();
    for (const [name, pack] of Object.entries({ plain: (tar: Buffer) => tar, gzip: gzipSync, zstd: zstdCompressSync })) {
      await engine.writeArchive(A, '/tmp', Readable.from([pack(fixtureTar([{ name, content: name }]))]), KEEP);
      expect(await contentOf(`/tmp/${name}`)).toBe(name);
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
    await ready();
    await expect(write('/nope', [])).rejects.toMatchObject({ code: 'no-such-path' });
    await expect(write('/etc/passwd', [])).rejects.toMatchObject({
      code: 'not-a-directory',
      message: 'extraction point is not a directory',
    });
    await write('/tmp', [{ name: 'dir/' }, { name: 'to', type: '2', link: 'dir' }]);
    await write('/tmp/to', [{ name: 'file', content: 'through the link' }]);
    expect(await contentOf('/tmp/dir/file')).toBe('through the link');
  });

  it('take each other’s place, unless that was refused', async () => {
    await ready();
    await write('/tmp', [{ name: 'a/' }, { name: 'a/inside' }, { name: 'b', content: 'file' }]);
    const refusing = { ...KEEP, noOverwriteDirNonDir: true };
    await expect(write('/tmp', [{ name: 'a', content: 'file' }], refusing)).rejects.toMatchObject({ code: 'conflict' });
    await expect(write('/tmp', [{ name: 'b/' }], refusing)).rejects.toMatchObject({ code: 'conflict' });
    await write('/tmp', [{ name: 'a', content: 'file' }, { name: 'b/' }]);
    expect(await contentOf('/tmp/a')).toBe('file');
    expect(await names('/tmp/b')).toEqual(['b/']);
  });

  it('belong to the container’s user where that was asked for', async () => {
    await ready({ user: 'sailor' });
    await write('/tmp', [{ name: 'mine', uid: 5, gid: 6 }], { ...KEEP, copyUidGid: true });
    await write('/tmp', [{ name: 'theirs', uid: 5, gid: 6 }]);
    expect(await read('/tmp/mine')).toMatchObject([{ uid: 1001, gid: 1002 }]);
    expect(await read('/tmp/theirs')).toMatchObject([{ uid: 5, gid: 6 }]);
  });

  it('are with what is mounted in it', async () => {
    const bound = join(bench.dir, 'bound');
    mkdirSync(bound);
    writeFileSync(join(bound, 'file'), 'of the host');
    const mounts: MountWish[] = [
      { kind: 'bind', source: bound, target: '/srv/bound', readOnly: true, propagation: 'rprivate', createSource: false },
      { kind: 'volume', name: 'vol', target: '/srv/vol', readOnly: false, anonymous: false, noCopy: false, labels: {} },
    ];
    await ready({ mounts });
    expect(await contentOf('/srv/bound/file')).toBe('of the host');
    await expect(write('/srv/bound', [{ name: 'x' }])).rejects.toMatchObject({ code: 'read-only' });
    await write('/srv/vol', [{ name: 'x', content: 'kept' }]);
    expect(readFileSync(join(bench.dataDir, 'volumes/vol/_data/x'), 'utf8')).toBe('kept');
    expect(existsSync(upper('srv/vol/x'))).toBe(false);
  });

  it('can’t be written where its root is read-only', async () => {
    const tmpfs: MountWish = { kind: 'tmpfs', target: '/tmp', readOnly: false, sizeBytes: 0, mode: 0o1777, options: [] };
    await ready({ readonlyRootfs: true, ...(kind.startsWith('a running') ? { mounts: [tmpfs] } : {}) });
    await expect(write('/etc', [{ name: 'x' }])).rejects.toMatchObject({
      code: 'read-only',
      message: expect.stringContaining('marked read-only'),
    });
  });

  it('are exported without what is mounted', async () => {
    await ready();
    await write('/tmp', [{ name: 'new', content: 'here' }]);
    const found = await unpacked(await engine.exportRoot(A, never));
    expect(found.find(({ name }) => name === 'tmp/new')?.content).toBe('here');
    expect(found.find(({ name }) => name === 'bin/busybox')?.sizeBytes).toBeGreaterThan(100_000);
    expect(found.filter(({ name }) => /^(proc|sys|dev)\/./.test(name))).toEqual([]);
  });

  it('differ from the image by what it changed, and by nothing that the runtime made', async () => {
    await ready();
    expect(await engine.changes(A)).toEqual([]);
    await write('/etc', [
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

  it('leave nothing behind on the host', async () => {
    await create();
    await write('/tmp', [{ name: 'x' }]);
    await read('/etc');
    await engine.changes(A);
    await (await engine.exportLayer(A, never)).forEach(() => undefined);
    expect(await bench.traces()).toEqual([]);
    expect(readdirSync(join(bench.dataDir, 'containers', A, 'log'))).toEqual([]);
  });
});

describe('a layer of what a container wrote', () => {
  it('has whiteouts, and no trace of the runtime', async () => {
    await run('rm /etc/group; rm -r /root; mkdir /root; echo > /root/new; mkdir /made; ln -s x /made/link');
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

describe('a container that means harm', () => {
  it('finds its own files behind its symlinks', async () => {
    await run(`ln -s / /all; ln -s ${secret} /out; ln -s ../../../../../..${secret} /up`);
    expect(await contentOf('/all/etc/group')).toContain('crew');
    await expect(engine.readArchive(A, '/out/key', never)).rejects.toMatchObject({ code: 'no-such-path' });
    await expect(engine.readArchive(A, '/up/key', never)).rejects.toMatchObject({ code: 'no-such-path' });
    await expect(write('/out', [{ name: 'x' }])).rejects.toMatchObject({ code: 'no-such-path' });
    expect((await engine.statPath(A, '/up')).linkTarget).toBe(secret);
    await engine.stop(A, 'KILL', 0);
    await expect(engine.readArchive(A, '/out/key', never)).rejects.toMatchObject({ code: 'no-such-path' });
    await expect(write('/up', [{ name: 'x' }])).rejects.toMatchObject({ code: 'no-such-path' });
    expect(readdirSync(secret)).toEqual(['key']);
  });

  it('that swaps directories for symlinks never leads a copy to the host', async () => {
    // In the container there is a directory of the same path as the host's: whoever got out would find the key.
    await run(
      `mkdir -p /in/dir${secret} /keep; echo decoy > /in/dir/key
      (while true; do mv /in/dir /keep/dir; ln -s ${secret} /in/dir; rm /in/dir; mv /keep/dir /in/dir; done) 2>/dev/null &`,
    );
    for (let round = 0; round < 6; round++) {
      const found = await read('/in').catch(() => []);
      expect(found.filter(({ content }) => content.includes('the key'))).toEqual([]);
      await write('/in/dir', [
        { name: 'written', content: 'x' },
        { name: 'key', content: 'overwritten' },
      ]).catch(() => undefined);
    }
    await (await engine.exportLayer(A, never)).forEach(() => undefined);
    await engine.changes(A);
    await engine.sizes(A);
    expect(readdirSync(secret)).toEqual(['key']);
    expect(readFileSync(join(secret, 'key'), 'utf8')).toBe('the key');
  });

  it('has devices and pipes copied as such, never opened', async () => {
    await run('mknod /disk b 1 0; mknod /zero c 1 5; mkfifo /pipe');
    expect(await read('/disk')).toMatchObject([{ type: '4', major: 1, minor: 0 }]);
    expect(await read('/zero')).toMatchObject([{ type: '3', major: 1, minor: 5 }]);
    expect(await read('/pipe')).toMatchObject([{ type: '6' }]);
  });

  it('gets no more through an archive than into its own root', async () => {
    await create();
    await write('/tmp', [
      { name: 'out', type: '2', link: secret },
      { name: 'out/x', content: 'through an absolute link' },
    ]).catch(() => undefined);
    for (const entries of [
      [{ name: '../../escape' }],
      [{ name: 'hard', type: '1', link: '../../../../../../../../etc/passwd' }],
      [{ name: 'hard', type: '1', link: secret }],
      [{ name: 'white', type: '3', major: 0, minor: 0 }],
    ] satisfies FixtureEntry[][]) {
      await expect(write('/tmp', entries)).rejects.toMatchObject({ code: 'bad-archive' });
    }
    await write('/tmp', [{ name: '/absolute', content: 'x' }]);
    expect(await contentOf('/tmp/absolute')).toBe('x');
    expect(readdirSync(secret)).toEqual(['key']);
    await write('/tmp', [{ name: 'plain', pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/etc', 'SCHILY.xattr.user.note': 'kept' } }]);
    expect(lgetxattr(upper('tmp/plain'), 'trusted.overlay.redirect')).toBeUndefined();
    expect(lgetxattr(upper('tmp/plain'), 'user.note')?.toString()).toBe('kept');
  });

  it('has a volume that leads nowhere else either', async () => {
    const volume: MountWish = { kind: 'volume', name: 'vol', target: '/v', readOnly: false, anonymous: false, noCopy: false, labels: {} };
    await create({ mounts: [volume] });
    symlinkSync(secret, join(bench.dataDir, 'volumes/vol/_data/out'));
    await expect(engine.readArchive(A, '/v/out/', never)).rejects.toMatchObject({ code: 'no-such-path' });
    expect(await read('/v/out')).toMatchObject([{ type: '2', link: secret }]);
  });
});

describe('a copy', () => {
  it('streams as fast as it is read, and ends when nobody wants it any more', async () => {
    await run('head -c 64m /dev/zero > /big');
    const abort = new AbortController();
    const { stream } = await engine.readArchive(A, '/big', abort.signal);
    const [first] = (await stream.take(1).toArray()) as Buffer[];
    expect(first?.length).toBeGreaterThan(0);
    const other = await engine.readArchive(A, '/big', abort.signal);
    abort.abort(new Error('gone'));
    await expect(other.stream.forEach(() => undefined)).rejects.toThrow('gone');
    let bytes = 0;
    for await (const chunk of (await engine.readArchive(A, '/big', never)).stream) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(64 * 2 ** 20 + 512 + 1024);
  });

  it('into a container ends when its archive does, before its end', async () => {
    await run('true');
    const archive = new Readable({ read: () => undefined });
    archive.push(fixtureTar([{ name: 'half', content: 'x'.repeat(2_000) }]).subarray(0, 1_000));
    const written = engine.writeArchive(A, '/tmp', archive, KEEP);
    await delay(50);
    archive.destroy(new Error('the client went away'));
    await expect(written).rejects.toMatchObject({ code: 'bad-archive', message: expect.stringContaining('the client went away') });
  });

  it('into a container that is started anew does not reach the new task’s files', async () => {
    await run('true');
    const archive = new Readable({ read: () => undefined });
    archive.push(fixtureTar([{ name: 'half', content: 'x'.repeat(2_000) }]).subarray(0, 1_000));
    const written = engine.writeArchive(A, '/tmp', archive, KEEP);
    const refused = written.catch((error: unknown) => error);
    while (!existsSync(upper('tmp/half'))) await delay(10);
    await engine.stop(A, 'KILL', 0);
    await engine.start(A, taskId(A, 2), ON_HOST);
    expect(await refused).toMatchObject({ name: 'EngineError' });
    archive.destroy();
  });

  it('of random bytes arrives as it was', async () => {
    await run('true');
    const content = randomBytes(3_000_000);
    await write('/tmp', [{ name: 'random', content }]);
    expect((await contentOf('/tmp/random')) === content.toString('latin1')).toBe(true);
    const tar = Buffer.concat(await (await engine.readArchive(A, '/tmp/random', never)).stream.toArray());
    const out = execFileSync('tar', ['xOf', '-'], { input: tar, maxBuffer: 2 ** 24 });
    expect(out.equals(content)).toBe(true);
  });

  it('ends with the daemon, however that ends', async () => {
    const script = `
      import { Readable } from 'node:stream';
      import { OciBench } from ${JSON.stringify(join(import.meta.dirname, '../oci-bench.test-suite.ts'))};
      import { containerSpec } from ${JSON.stringify(join(import.meta.dirname, '../../spec.test-suite.ts'))};
      setInterval(() => undefined, 1_000);
      const bench = new OciBench();
      const engine = await bench.open();
      await engine.recover(() => true);
      await engine.create('a'.repeat(64), containerSpec(), []);
      engine.writeArchive('a'.repeat(64), '/tmp', new Readable({ read: () => undefined }), { noOverwriteDirNonDir: false, copyUidGid: false });
      console.log(bench.dir);`;
    const daemon = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const dir = String((await once(daemon.stdout, 'data'))[0]).trim();
    try {
      const writers = (): string[] => processes().filter((argv) => argv.includes(dir) && argv.includes('child.ts'));
      while (writers().length === 0) await delay(10);
      daemon.kill('SIGKILL');
      while (writers().length > 0) await delay(10);
      expect(await mountPointsBelow(dir)).toEqual([]);
    } finally {
      daemon.kill('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('is refused where there is no such container', async () => {
    await expect(engine.statPath(B, '/')).rejects.toMatchObject({ code: 'no-such-container' });
    await expect(engine.readArchive(B, '/', never)).rejects.toMatchObject({ code: 'no-such-container' });
    await expect(engine.writeArchive(B, '/', Readable.from([]), KEEP)).rejects.toMatchObject({ code: 'no-such-container' });
    await expect(engine.exportRoot(B, never)).rejects.toMatchObject({ code: 'no-such-container' });
    await expect(engine.changes(B)).rejects.toMatchObject({ code: 'no-such-container' });
  });

  it('keeps names that are no text', async () => {
    await create();
    const name = Buffer.concat([Buffer.from(upper('tmp')), Buffer.from('/caf\xe9', 'latin1')]);
    mkdirSync(upper('tmp'));
    writeFileSync(name, 'latin-1');
    chmodSync(upper('tmp'), 0o777);
    lsetxattr(upper('tmp'), 'user.x', Buffer.from([0, 255]));
    const tar = Buffer.concat(await (await engine.readArchive(A, '/tmp', never)).stream.toArray());
    expect(tar.includes(Buffer.from('path=tmp/caf\xe9\n', 'latin1'))).toBe(true);
    expect(tar.includes(Buffer.from('SCHILY.xattr.user.x=\x00\xff\n', 'latin1'))).toBe(true);
  });
});
