import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { taskId } from '../../../core/model/index.ts';
import { mountPointsBelow } from '../../../linux/mount.ts';
import { lgetxattr, lsetxattr } from '../../../linux/xattr.ts';
import { A, B } from '../../contract.test-suite.ts';
import type { MountWish } from '../../port.ts';
import { ON_HOST } from '../../spec.test-suite.ts';
import { fixtureTar, type FixtureEntry } from '../images/unpack/tar-fixture.ts';
import type { OciEngine } from '../oci-engine.ts';
import { FilesBench, KEEP, never } from './files-bench.test-suite.ts';

let files: FilesBench;
let engine: OciEngine;
beforeEach(async () => {
  files = await FilesBench.open();
  engine = files.engine;
});
afterEach(() => files.destroy());

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

describe('a container that means harm', () => {
  it('finds its own files behind its symlinks', async () => {
    await files.run(`ln -s / /all; ln -s ${files.secret} /out; ln -s ../../../../../..${files.secret} /up`);
    expect(await files.contentOf('/all/etc/group')).toContain('crew');
    await expect(engine.readArchive(A, '/out/key', never)).rejects.toMatchObject({ code: 'no-such-path' });
    await expect(engine.readArchive(A, '/up/key', never)).rejects.toMatchObject({ code: 'no-such-path' });
    await expect(files.write('/out', [{ name: 'x' }])).rejects.toMatchObject({ code: 'no-such-path' });
    expect((await engine.statPath(A, '/up')).linkTarget).toBe(files.secret);
    await engine.stop(A, 'KILL', 0);
    await expect(engine.readArchive(A, '/out/key', never)).rejects.toMatchObject({ code: 'no-such-path' });
    await expect(files.write('/up', [{ name: 'x' }])).rejects.toMatchObject({ code: 'no-such-path' });
    expect(readdirSync(files.secret)).toEqual(['key']);
  });

  it('that swaps directories for symlinks never leads a copy to the host', async () => {
    // In the container there is a directory of the same path as the host's: whoever got out would find the key.
    await files.run(
      `mkdir -p /in/dir${files.secret} /keep; echo decoy > /in/dir/key
      (while true; do mv /in/dir /keep/dir; ln -s ${files.secret} /in/dir; rm /in/dir; mv /keep/dir /in/dir; done) 2>/dev/null &`,
    );
    for (let round = 0; round < 6; round++) {
      const found = await files.read('/in').catch(() => []);
      expect(found.filter(({ content }) => content.includes('the key'))).toEqual([]);
      await files
        .write('/in/dir', [
          { name: 'written', content: 'x' },
          { name: 'key', content: 'overwritten' },
        ])
        .catch(() => undefined);
    }
    await (await engine.exportLayer(A, never)).forEach(() => undefined);
    await engine.changes(A);
    await engine.sizes(A);
    expect(readdirSync(files.secret)).toEqual(['key']);
    expect(readFileSync(join(files.secret, 'key'), 'utf8')).toBe('the key');
  });

  it('has devices and pipes copied as such, never opened', async () => {
    await files.run('mknod /disk b 1 0; mknod /zero c 1 5; mkfifo /pipe');
    expect(await files.read('/disk')).toMatchObject([{ type: '4', major: 1, minor: 0 }]);
    expect(await files.read('/zero')).toMatchObject([{ type: '3', major: 1, minor: 5 }]);
    expect(await files.read('/pipe')).toMatchObject([{ type: '6' }]);
  });

  it('gets no more through an archive than into its own root', async () => {
    await files.create();
    await files
      .write('/tmp', [
        { name: 'out', type: '2', link: files.secret },
        { name: 'out/x', content: 'through an absolute link' },
      ])
      .catch(() => undefined);
    for (const entries of [
      [{ name: '../../escape' }],
      [{ name: 'hard', type: '1', link: '../../../../../../../../etc/passwd' }],
      [{ name: 'hard', type: '1', link: files.secret }],
      [{ name: 'white', type: '3', major: 0, minor: 0 }],
    ] satisfies FixtureEntry[][]) {
      await expect(files.write('/tmp', entries)).rejects.toMatchObject({ code: 'bad-archive' });
    }
    await files.write('/tmp', [{ name: '/absolute', content: 'x' }]);
    expect(await files.contentOf('/tmp/absolute')).toBe('x');
    expect(readdirSync(files.secret)).toEqual(['key']);
    await files.write('/tmp', [
      { name: 'plain', pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/etc', 'SCHILY.xattr.user.note': 'kept' } },
    ]);
    expect(lgetxattr(files.upper('tmp/plain'), 'trusted.overlay.redirect')).toBeUndefined();
    expect(lgetxattr(files.upper('tmp/plain'), 'user.note')?.toString()).toBe('kept');
  });

  it('has a volume that leads nowhere else either', async () => {
    const volume: MountWish = { kind: 'volume', name: 'vol', target: '/v', readOnly: false, anonymous: false, noCopy: false, labels: {} };
    await files.create({ mounts: [volume] });
    symlinkSync(files.secret, join(files.bench.dataDir, 'volumes/vol/_data/out'));
    await expect(engine.readArchive(A, '/v/out/', never)).rejects.toMatchObject({ code: 'no-such-path' });
    expect(await files.read('/v/out')).toMatchObject([{ type: '2', link: files.secret }]);
  });
});

describe('a copy', () => {
  it('streams as fast as it is read, and ends when nobody wants it any more', async () => {
    await files.run('head -c 64m /dev/zero > /big');
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
    await files.run('true');
    const archive = new Readable({ read: () => undefined });
    archive.push(fixtureTar([{ name: 'half', content: 'x'.repeat(2_000) }]).subarray(0, 1_000));
    const written = engine.writeArchive(A, '/tmp', archive, KEEP);
    await delay(50);
    archive.destroy(new Error('the client went away'));
    await expect(written).rejects.toMatchObject({ code: 'bad-archive', message: expect.stringContaining('the client went away') });
  });

  it('into a container that is started anew does not reach the new task’s files', async () => {
    await files.run('true');
    const archive = new Readable({ read: () => undefined });
    archive.push(fixtureTar([{ name: 'half', content: 'x'.repeat(2_000) }]).subarray(0, 1_000));
    const written = engine.writeArchive(A, '/tmp', archive, KEEP);
    const refused = written.catch((error: unknown) => error);
    while (!existsSync(files.upper('tmp/half'))) await delay(10);
    await engine.stop(A, 'KILL', 0);
    await engine.start(A, taskId(A, 2), ON_HOST);
    expect(await refused).toMatchObject({ name: 'EngineError' });
    archive.destroy();
  });

  it('of random bytes arrives as it was', async () => {
    await files.run('true');
    const content = randomBytes(3_000_000);
    await files.write('/tmp', [{ name: 'random', content }]);
    expect((await files.contentOf('/tmp/random')) === content.toString('latin1')).toBe(true);
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
    await files.create();
    const name = Buffer.concat([Buffer.from(files.upper('tmp')), Buffer.from('/caf\xe9', 'latin1')]);
    mkdirSync(files.upper('tmp'));
    writeFileSync(name, 'latin-1');
    chmodSync(files.upper('tmp'), 0o777);
    lsetxattr(files.upper('tmp'), 'user.x', Buffer.from([0, 255]));
    const tar = Buffer.concat(await (await engine.readArchive(A, '/tmp', never)).stream.toArray());
    expect(tar.includes(Buffer.from('path=tmp/caf\xe9\n', 'latin1'))).toBe(true);
    expect(tar.includes(Buffer.from('SCHILY.xattr.user.x=\x00\xff\n', 'latin1'))).toBe(true);
  });
});
