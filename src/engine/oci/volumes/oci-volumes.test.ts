import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { A, B } from '../../contract.test-suite.ts';
import { OciVolumes, type VolumeWish } from './oci-volumes.ts';

let dir: string;
let said: string[];
let volumes: OciVolumes;
const reopen = (): void => {
  volumes = new OciVolumes(join(dir, 'volumes'), (message) => said.push(message));
};
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cv-'));
  said = [];
  reopen();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const wish = (change: Partial<VolumeWish> = {}): VolumeWish => ({
  name: 'data',
  labels: { a: 'b' },
  options: {},
  anonymous: false,
  ...change,
});
const path = (...names: string[]): string => join(dir, 'volumes', ...names);

describe('a volume', () => {
  it('is made once, and told of after a restart', async () => {
    const made = await volumes.create(wish());
    expect(made).toMatchObject({ name: 'data', path: path('data/_data'), labels: { a: 'b' }, anonymous: false, usedBy: [] });
    expect(statSync(made.path).mode & 0o7777).toBe(0o755);
    expect(await volumes.create(wish({ labels: { other: 'x' } }))).toEqual(made);
    reopen();
    expect(await volumes.list()).toEqual([made]);
    expect(await volumes.inspect('data')).toEqual(made);
    expect(await volumes.inspect('other')).toBeUndefined();
  });

  it.each(['x', '../x', '.tmp-1', 'a/b', '', '-a', 'ä', 'x'.repeat(256)])('is not called %j', async (name) => {
    await expect(volumes.create(wish({ name }))).rejects.toMatchObject({ code: 'bad-name' });
    expect(await volumes.list()).toEqual([]);
  });

  it('takes none of the options that mount', async () => {
    await expect(volumes.create(wish({ options: { type: 'nfs', o: 'addr=10.0.0.1', device: ':/x' } }))).rejects.toMatchObject({
      code: 'failed',
    });
  });

  it('goes only when no container has it', async () => {
    await volumes.create(wish());
    volumes.retain(A, ['data']);
    volumes.retain(B, ['data']);
    volumes.release(A);
    await expect(volumes.remove('data')).rejects.toMatchObject({ code: 'in-use', message: `remove data: volume is in use - [${B}]` });
    expect((await volumes.inspect('data'))?.usedBy).toEqual([B]);
    volumes.release(B);
    await volumes.remove('data');
    await expect(volumes.remove('data')).rejects.toMatchObject({ code: 'not-found' });
    expect(readdirSync(path())).toEqual([]);
  });

  it('goes with its container only where nobody named it and no other has it', async () => {
    for (const name of ['named', 'shared', 'own']) await volumes.create(wish({ name, anonymous: name !== 'named' }));
    volumes.retain(A, ['named', 'shared', 'own']);
    volumes.retain(B, ['shared']);
    volumes.release(A);
    await volumes.removeAnonymous(['named', 'shared', 'own', 'never-made']);
    expect((await volumes.list()).map(({ name }) => name)).toEqual(['named', 'shared']);
  });

  it('leaves nothing half made or half removed', async () => {
    await volumes.create(wish());
    mkdirSync(path('.tmp-1-0/_data'), { recursive: true });
    mkdirSync(path('strange'));
    reopen();
    expect((await volumes.list()).map(({ name }) => name)).toEqual(['data']);
    expect(readdirSync(path()).sort()).toEqual(['data', 'strange']);
    expect(said).toEqual([expect.stringContaining('strange is no volume of ours')]);
  });

  it('has a size: what it holds, nothing that its links point to', async () => {
    const made = await volumes.create(wish());
    mkdirSync(join(made.path, 'd'));
    writeFileSync(join(made.path, 'd/file'), 'x'.repeat(1_000));
    writeFileSync(join(dir, 'outside'), 'x'.repeat(5_000));
    symlinkSync(dir, join(made.path, 'out'));
    expect(await volumes.sizeOf('data')).toBe(1_000);
    await expect(volumes.sizeOf('other')).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('first content', () => {
  const fill = async (names: readonly string[]): Promise<void> =>
    names.forEach((name) => writeFileSync(path(name, '_data/from-image'), ''));

  it('comes into volumes that are empty, once', async () => {
    await volumes.create(wish());
    await volumes.create(wish({ name: 'full' }));
    writeFileSync(path('full/_data/mine'), '');
    const asked: string[][] = [];
    for (let round = 0; round < 2; round++) {
      await volumes.fillEmpty(['full', 'data'], async (empty) => {
        asked.push([...empty]);
        await fill(empty);
      });
    }
    expect(asked).toEqual([['data']]);
    expect(readdirSync(path('full/_data'))).toEqual(['mine']);
    expect(readdirSync(path('data')).sort()).toEqual(['_data', 'volume.json']);
  });

  it('that could not come whole goes again', async () => {
    await volumes.create(wish());
    await expect(
      volumes.fillEmpty(['data'], async (empty) => {
        await fill(empty);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(readdirSync(path('data/_data'))).toEqual([]);
  });

  it('that a crash cut short goes before anybody uses the volume, and never what they put there since', async () => {
    await volumes.create(wish());
    writeFileSync(path('data/_data/half'), '');
    writeFileSync(path('data/copying'), '');
    reopen();
    // A container whose image has nothing for it.
    volumes.retain(A, ['data']);
    await volumes.create(wish());
    expect(readdirSync(path('data/_data'))).toEqual([]);
    writeFileSync(path('data/_data/mine'), '');
    await volumes.fillEmpty(['data'], fill);
    expect(readdirSync(path('data/_data'))).toEqual(['mine']);
  });

  it('that could not come whole takes nothing along of a container that has the volume already', async () => {
    await volumes.create(wish());
    volumes.retain(A, ['data']);
    volumes.retain(B, ['data']);
    const failing = volumes.fillEmpty(['data'], async (empty) => {
      await fill(empty);
      writeFileSync(path('data/_data/mine'), '');
      // What a daemon killed now would find.
      expect(existsSync(path('data/copying'))).toBe(false);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(readdirSync(path('data/_data'))).toContain('mine');
  });

  it('that a crash cut short is replaced', async () => {
    await volumes.create(wish());
    writeFileSync(path('data/_data/half'), '');
    writeFileSync(path('data/copying'), '');
    reopen();
    await volumes.list();
    await volumes.fillEmpty(['data'], fill);
    expect(readdirSync(path('data/_data'))).toEqual(['from-image']);
    expect(existsSync(path('data/copying'))).toBe(false);
  });
});
