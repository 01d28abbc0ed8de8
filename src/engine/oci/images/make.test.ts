import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ociArchive } from '../../../../scripts/make-image.ts';
import type { ContainerId } from '../../../core/model/index.ts';
import type { ImageDetails, NewImage, PruneOptions } from '../../port.ts';
import { imageOf, leftIn, never, openImages, temporaryDir } from './images-bench.test-suite.ts';
import type { OciImages } from './oci-images.ts';
import { fixtureTar } from './unpack/tar-fixture.ts';

const container = 'c0ffee'.padEnd(64, '0') as ContainerId;
const root = fixtureTar([{ name: 'bin/tool', content: 'a tool' }]);
const newImage: NewImage = {
  reference: 'docker.io/me/made:1',
  author: 'me',
  comment: 'by hand',
  config: { Cmd: ['tool', '-v'], Labels: { a: 'b' } },
};
const unnamed = { ...newImage, reference: '' };

async function load(images: OciImages, reference: string, content = reference): Promise<ImageDetails> {
  const image = imageOf([{ name: 'base', content }], { Labels: { name: content } });
  const [details] = await images.load(Readable.from([await ociArchive(image, reference)]), () => undefined);
  if (details === undefined) throw new Error('nothing was loaded');
  return details;
}

describe('import', () => {
  it.each<[string, (tar: Buffer) => Buffer]>([
    ['plain', (tar) => tar],
    ['gzip', (tar) => gzipSync(tar)],
    ['zstd', (tar) => zstdCompressSync(tar)],
  ])('makes an image of one layer from a %s tar, for peers and registries to read', async (_, compress) => {
    const images = openImages();
    const details = await images.importRoot(Readable.from([compress(root)]), newImage, undefined, never);
    expect(details).toMatchObject({
      references: ['docker.io/me/made:1'],
      architecture: 'amd64',
      os: 'linux',
      author: 'me',
      labels: { a: 'b' },
      sizeBytes: 6,
      layerBytes: [6],
      history: [{ comment: 'by hand' }],
    });
    const rootfs = await images.rootfsOf({ reference: 'made', digest: details.digest });
    expect(readFileSync(join(rootfs.layerDirs[0] ?? '', 'bin/tool'), 'utf8')).toBe('a tool');
    expect(rootfs.config.Cmd).toEqual(['tool', '-v']);
    const peer = openImages();
    await peer.fetch(
      { reference: 'docker.io/me/made:1', digest: details.digest },
      [{ name: 'node-1', open: (digest) => images.openBlob(digest) }],
      never,
    );
    expect(await peer.inspect('me/made:1')).toEqual(details);
  });

  it('takes the platform it is told', async () => {
    const platform = { os: 'linux', architecture: 'arm', variant: 'v6' };
    expect(await openImages().importRoot(Readable.from([root]), unnamed, platform, never)).toMatchObject({ ...platform, references: [] });
  });

  it.each<[string, () => Readable, string]>([
    ['no tar', () => Readable.from([Buffer.from('hello'.repeat(500))]), 'corrupt'],
    ['a tar cut short', () => Readable.from([root.subarray(0, 700)]), 'corrupt'],
    ['a gzip cut short', () => Readable.from([gzipSync(root).subarray(0, 40)]), 'corrupt'],
    [
      'a sender that goes away',
      () =>
        Readable.from(
          (async function* () {
            yield root.subarray(0, 100);
            throw new Error('gone');
          })(),
        ),
      'failed',
    ],
  ])('refuses %s and keeps nothing', async (_, archive, code) => {
    const dataDir = temporaryDir();
    await expect(openImages({ dataDir }).importRoot(archive(), newImage, undefined, never)).rejects.toMatchObject({ code });
    await expect.poll(() => leftIn(dataDir)).toEqual([]);
  });
});

describe('commit', () => {
  it('puts what changed on top of the base, whose layers stay shared', async () => {
    const images = openImages();
    const base = await load(images, 'base:1');
    const changes = fixtureTar([{ name: '.wh.base' }, { name: 'new', content: 'n' }]);
    const details = await images.commit(base.digest, Readable.from([changes]), { ...newImage, createdBy: 'old -v' }, never);
    expect(details).toMatchObject({
      layers: [...base.layers, expect.any(String)],
      author: 'me',
      config: newImage.config,
      architecture: 'amd64',
    });
    expect(details.history.at(-1)).toMatchObject({ created_by: 'old -v', comment: 'by hand' });
    expect(details.createdAtMs).toBeGreaterThan(base.createdAtMs);
    const { layerDirs } = await images.rootfsOf({ reference: 'made', digest: details.digest });
    expect(layerDirs).toHaveLength(2);
    expect(existsSync(join(layerDirs[0] ?? '', 'new'))).toBe(true);
    await images.remove('base:1', false);
    expect(existsSync(join(layerDirs[1] ?? '', 'base'))).toBe(true);
    expect(await images.usage()).toMatchObject({ layersBytes: details.sizeBytes });
  });

  it('of nothing new makes no layer', async () => {
    const images = openImages();
    const base = await load(images, 'base:1');
    const details = await images.commit(base.digest, Readable.from([Buffer.alloc(1024)]), unnamed, never);
    expect(details.layers).toEqual(base.layers);
    expect(details.history.at(-1)).toMatchObject({ empty_layer: true, created_by: 'tool -v' });
  });

  it('is on the disk when it is told of, as its container may go then', async () => {
    const dataDir = temporaryDir();
    const images = openImages({ dataDir });
    const base = await load(images, 'base:1');
    const { digest } = await images.commit(base.digest, Readable.from([root]), newImage, never);
    const other = await images.importRoot(Readable.from([root]), { ...newImage, reference: 'imported:1' }, undefined, never);
    const afterPowerCut = await openImages({ dataDir, bootId: 'another' }).list();
    expect(afterPowerCut.map((each) => each.digest)).toEqual(expect.arrayContaining([digest, other.digest]));
  });

  it('lets go of the changes, however it ends', async () => {
    const images = openImages();
    const base = await load(images, 'base:1');
    const changes = (): Readable => new Readable({ read: () => undefined });
    const missing = changes();
    await expect(images.commit(`sha256:${'0'.repeat(64)}`, missing, newImage, never)).rejects.toMatchObject({ code: 'not-found' });
    const misnamed = changes();
    await expect(images.commit(base.digest, misnamed, { ...newImage, reference: 'A:B:C' }, never)).rejects.toMatchObject({
      code: 'bad-reference',
    });
    const imported = changes();
    await expect(images.importRoot(imported, { ...newImage, reference: 'A:B:C' }, undefined, never)).rejects.toMatchObject({
      code: 'bad-reference',
    });
    expect([missing, misnamed, imported].map(({ destroyed }) => destroyed)).toEqual([true, true, true]);
  });

  it('needs its base, and leaves nothing when the changes break off', async () => {
    const dataDir = temporaryDir();
    const images = openImages({ dataDir });
    await expect(images.commit(`sha256:${'0'.repeat(64)}`, Readable.from([root]), newImage, never)).rejects.toMatchObject({
      code: 'not-found',
    });
    const base = await load(images, 'base:1');
    const before = leftIn(dataDir);
    await expect(images.commit(base.digest, Readable.from([root.subarray(0, 600)]), newImage, never)).rejects.toMatchObject({
      code: 'corrupt',
    });
    const abort = new AbortController();
    const stuck = images.commit(
      base.digest,
      new Readable({ read: () => abort.abort(new Error('changed my mind')) }),
      newImage,
      abort.signal,
    );
    await expect(stuck).rejects.toThrow('changed my mind');
    await expect.poll(() => leftIn(dataDir)).toEqual(before);
  });
});

describe('tag', () => {
  it('adds a name, or moves it', async () => {
    const images = openImages();
    const [one, two] = [await load(images, 'one:1'), await load(images, 'two:1')];
    await images.tag(one.id.slice(7, 19), 'more');
    expect((await images.inspect('more:latest'))?.digest).toBe(one.digest);
    await images.tag('two:1', 'more');
    expect((await images.inspect('more'))?.digest).toBe(two.digest);
    await images.untag('more');
    expect([await images.inspect('more'), (await images.inspect('two:1'))?.id]).toEqual([undefined, two.id]);
    await images.untag('two:1');
    expect((await images.inspect(two.id))?.references).toEqual([]);
    await expect(images.tag('none', 'x')).rejects.toMatchObject({ code: 'not-found', message: 'No such image: none' });
    await expect(images.tag('one:1', `x@${one.digest}`)).rejects.toMatchObject({ code: 'bad-reference' });
    await expect(images.tag('one:1', 'X')).rejects.toMatchObject({ code: 'bad-reference' });
  });

  it('several of one repository go with the id; of several repositories only by force', async () => {
    const images = openImages();
    const one = await load(images, 'one:1');
    await images.tag('one:1', 'one:2');
    expect(await images.remove(one.id, false)).toEqual([{ untagged: 'one:1' }, { untagged: 'one:2' }, { deleted: one.id }]);
    const two = await load(images, 'two:1');
    await images.tag('two:1', 'other:1');
    await expect(images.remove(two.id, false)).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining('(must be forced) - image is referenced in multiple repositories'),
    });
    expect(await images.remove(two.id, true)).toHaveLength(3);
  });
});

describe('prune', () => {
  const all: PruneOptions = { all: true, untilMs: undefined, isMeant: () => true };

  it('removes what has no name, or all that no container uses', async () => {
    const dataDir = temporaryDir();
    const images = openImages({ dataDir });
    const old = await load(images, 'app:1', 'old');
    const current = await load(images, 'app:1', 'newer');
    const used = await load(images, 'used:1');
    images.retain(used.digest, container);
    expect(await images.prune({ ...all, all: false })).toEqual({ removed: [{ deleted: old.id }], reclaimedBytes: 3 });
    expect(await images.prune({ ...all, isMeant: (labels) => labels['name'] === 'none' })).toEqual({ removed: [], reclaimedBytes: 0 });
    expect(await images.prune({ ...all, untilMs: current.createdAtMs })).toEqual({ removed: [], reclaimedBytes: 0 });
    expect(await images.prune(all)).toEqual({ removed: [{ untagged: 'app:1' }, { deleted: current.id }], reclaimedBytes: 5 });
    expect((await images.list()).map(({ id }) => id)).toEqual([used.id]);
    await expect.poll(() => leftIn(dataDir)).toHaveLength(4);
  });

  it('counts what images share', async () => {
    const images = openImages();
    const base = await load(images, 'base:1', 'xyz');
    const top = await images.commit(base.digest, Readable.from([root]), newImage, never);
    images.retain(top.digest, container);
    expect(await images.usage()).toEqual({
      layersBytes: 9,
      images: { [base.digest]: { sharedBytes: 3, containers: 0 }, [top.digest]: { sharedBytes: 3, containers: 1 } },
    });
  });
});
