import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { taskId } from '../core/model/index.ts';
import { A, B, type EngineBench } from './contract.test-suite.ts';
import type { Engine, MountWish, WriteArchiveOptions } from './port.ts';
import { containerSpec, ON_HOST } from './spec.test-suite.ts';

const OPTIONS: WriteArchiveOptions = { noOverwriteDirNonDir: false, copyUidGid: true };
const { signal } = new AbortController();
const DIRECTORY = 2 ** 31;

/** What every adapter keeps of containers' files, and of volumes; what only a kernel has is the adapter's own tests'. */
export function filesContract(name: string, makeBench: () => Promise<EngineBench>): void {
  describe(`engine contract, files and volumes: ${name}`, () => {
    let bench: EngineBench;
    let engine: Engine;

    beforeEach(async () => {
      bench = await makeBench();
      engine = await bench.open();
      await engine.recover(() => true);
      await engine.create(A, containerSpec({ command: ['sleep', '60'] }), []);
    });
    afterEach(async () => {
      await engine.remove(A, { volumes: true });
      await engine.remove(B, { volumes: true });
      await engine.close();
      await bench.destroy();
    });

    /** Name and content, by the archive's order. */
    async function contents(archive: Readable): Promise<[string, string][]> {
      const entries: [string, string][] = [];
      for await (const entry of archive.pipe(extract())) entries.push([entry.header.name, (await buffer(entry)).toString()]);
      return entries;
    }
    function archive(files: Readonly<Record<string, string>>): Readable {
      const tar = pack();
      for (const [path, text] of Object.entries(files)) tar.entry({ name: path }, text);
      tar.finalize();
      return Readable.from(tar);
    }
    const read = async (path: string) => contents((await engine.readArchive(A, path, signal)).stream);

    it('makes before the first start what a start would be too late for', async () => {
      await engine.create(B, containerSpec({ workingDir: '/job/deep' }), []);
      expect(await engine.changes(B)).toEqual([
        { path: '/job', kind: 'added' },
        { path: '/job/deep', kind: 'added' },
      ]);
      expect(await engine.statPath(B, '/job/deep')).toMatchObject({ mode: DIRECTORY + 0o755 });
      await engine.writeArchive(B, '/job/deep', archive({ x: 'y' }), OPTIONS);
      expect(await contents((await engine.readArchive(B, '/job/deep/x', signal)).stream)).toEqual([['x', 'y']]);
      for (const name of ['hosts', 'hostname', 'resolv.conf'])
        expect(await engine.statPath(B, `/etc/${name}`)).toMatchObject({ name, sizeBytes: 0 });
    });

    describe.each(['that never ran', 'that runs'])('a container %s', (state) => {
      beforeEach(async () => {
        if (state === 'that runs') await engine.start(A, taskId(A, 1), ON_HOST);
      });

      it('shows its files', async () => {
        expect(await engine.statPath(A, '/etc')).toMatchObject({ name: 'etc', mode: DIRECTORY + 0o755, linkTarget: '' });
        const { name, mode, sizeBytes } = await engine.statPath(A, '/etc/passwd');
        expect([name, mode]).toEqual(['passwd', 0o644]);
        const entries = await read('/etc/passwd');
        expect(entries.map(([path]) => path)).toEqual(['passwd']);
        expect(entries[0]?.[1].length).toBe(sizeBytes);
        expect((await read('/etc')).map(([path]) => path)).toContain('etc/passwd');
      });

      it('takes files, and says what changed', async () => {
        expect(await engine.changes(A)).toEqual([]);
        await engine.writeArchive(A, '/tmp', archive({ new: 'text\n' }), OPTIONS);
        expect(await read('/tmp/new')).toEqual([['new', 'text\n']]);
        expect(await engine.changes(A)).toContainEqual({ path: '/tmp/new', kind: 'added' });
        expect((await engine.sizes(A)).writtenBytes).toBeGreaterThanOrEqual(5);
        expect(await contents(await engine.exportRoot(A, signal))).toContainEqual(['tmp/new', 'text\n']);
        expect(await contents(await engine.exportLayer(A, signal))).toContainEqual(['tmp/new', 'text\n']);
      });

      it('says what is wrong', async () => {
        await expect(engine.statPath(A, '/none')).rejects.toMatchObject({ name: 'FileError', code: 'no-such-path' });
        await expect(engine.readArchive(A, '/none', signal)).rejects.toMatchObject({ code: 'no-such-path' });
        await expect(engine.writeArchive(A, '/none', archive({ x: '' }), OPTIONS)).rejects.toMatchObject({ code: 'no-such-path' });
        await expect(engine.writeArchive(A, '/etc/passwd', archive({ x: '' }), OPTIONS)).rejects.toMatchObject({ code: 'not-a-directory' });
        const noise = Readable.from([Buffer.alloc(1_024, 'no archive')]);
        await expect(engine.writeArchive(A, '/tmp', noise, OPTIONS)).rejects.toMatchObject({ code: 'bad-archive' });
        await expect(
          engine.writeArchive(A, '/', archive({ etc: 'no directory' }), { ...OPTIONS, noOverwriteDirNonDir: true }),
        ).rejects.toMatchObject({ code: 'conflict' });
        await expect(engine.statPath(B, '/')).rejects.toMatchObject({ code: 'no-such-container' });
      });
    });

    describe('volumes', () => {
      const wish = (volume: string, anonymous: boolean): MountWish => ({
        kind: 'volume',
        target: `/${volume}`,
        readOnly: false,
        name: volume,
        anonymous,
        noCopy: false,
        labels: {},
      });

      it('are made once, kept while a container has them, and removed', async () => {
        const made = await engine.volumes.create({ name: 'data', labels: { a: 'b' }, options: {}, anonymous: false });
        expect(made).toMatchObject({ name: 'data', labels: { a: 'b' }, usedBy: [] });
        expect((await engine.volumes.create({ name: 'data', labels: {}, options: {}, anonymous: false })).labels).toEqual({ a: 'b' });
        await engine.create(B, containerSpec({ mounts: [wish('data', false)] }), []);
        expect((await engine.volumes.inspect('data'))?.usedBy).toEqual([B]);
        await expect(engine.volumes.remove('data')).rejects.toMatchObject({ name: 'VolumeError', code: 'in-use' });
        await engine.remove(B);
        await engine.volumes.remove('data');
        expect(await engine.volumes.list()).toEqual([]);
        await expect(engine.volumes.remove('data')).rejects.toMatchObject({ code: 'not-found' });
        await expect(engine.volumes.create({ name: '../x', labels: {}, options: {}, anonymous: false })).rejects.toMatchObject({
          code: 'bad-name',
        });
      });

      it('that nobody named go with their container where that is asked for', async () => {
        await engine.create(B, containerSpec({ mounts: [wish('kept', false), wish('gone', true)] }), []);
        await engine.remove(B, { volumes: true });
        expect((await engine.volumes.list()).map((volume) => volume.name)).toEqual(['kept']);
        await engine.create(B, containerSpec({ mounts: [wish('anonymous', true)] }), []);
        await engine.remove(B);
        expect((await engine.volumes.list()).map((volume) => volume.name)).toEqual(expect.arrayContaining(['anonymous', 'kept']));
      });
    });
  });
}
