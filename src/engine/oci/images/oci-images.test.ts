import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dockerArchive, type ImageParts, makeBusyboxImage, ociArchive, packTar, sha256 } from '../../../../scripts/make-image.ts';
import type { ContainerId } from '../../../core/model/index.ts';
import type { ImageDetails, PullProgress } from '../../port.ts';
import { imageOf, leftIn, openImages, temporaryDir } from './images-bench.test-suite.ts';
import type { OciImages } from './oci-images.ts';
import { fixtureTar } from './unpack/tar-fixture.ts';

const container = 'c0ffee'.padEnd(64, '0') as ContainerId;
const small = (content = 'x'): ImageParts => imageOf([{ name: 'file', content }], { Labels: { made: 'here' } });

async function load(images: OciImages, archive: Buffer, progress: PullProgress[] = []): Promise<readonly ImageDetails[]> {
  return images.load(Readable.from([archive.subarray(0, 1000), archive.subarray(1000)]), (each) => void progress.push(each));
}

async function loadOne(images: OciImages, image: ImageParts, ...tags: string[]): Promise<ImageDetails> {
  const [details] = await load(images, await dockerArchive(image, tags));
  if (details === undefined) throw new Error('nothing was loaded');
  return details;
}

describe('load', () => {
  it('takes a docker save archive; its image can be mounted, and served to peers', async () => {
    const dataDir = temporaryDir();
    const images = openImages({ dataDir });
    const busybox = await makeBusyboxImage({ architecture: 'amd64' });
    const progress: PullProgress[] = [];
    const [details] = await load(images, await dockerArchive(busybox, ['busybox:1']), progress);
    expect(details).toMatchObject({
      id: busybox.configDigest,
      references: ['docker.io/library/busybox:1'],
      architecture: 'amd64',
      arches: ['amd64'],
    });
    expect(progress.at(-1)).toMatchObject({ status: 'Pull complete' });
    const rootfs = await images.rootfsOf({ reference: 'busybox:1', digest: details?.digest ?? '' });
    expect(rootfs).toMatchObject({ imageId: busybox.configDigest, config: { Cmd: ['sh'] } });
    expect(rootfs.layerDirs).toHaveLength(1);
    expect(readFileSync(join(rootfs.layerDirs[0] ?? '', 'bin/busybox'))).toEqual(readFileSync('/bin/busybox'));
    expect(readdirSync(join(rootfs.layerDirs[0] ?? '', 'bin')).length).toBeGreaterThan(100);

    const peer = openImages();
    const source = { name: 'node-2', open: (digest: string) => images.openBlob(digest) };
    await peer.fetch({ reference: 'docker.io/library/busybox:1', digest: details?.digest ?? '' }, [source], new AbortController().signal);
    expect(await peer.inspect('busybox:1')).toEqual(details);
    expect(leftIn(dataDir)).toHaveLength(4);
  });

  it('gives the same archive the same digest everywhere, gzip or not', async () => {
    const archive = await dockerArchive(small(), ['a:1']);
    const [[one], [two]] = await Promise.all([load(openImages(), archive), load(openImages(), gzipSync(archive))]);
    expect(one?.digest).toBe(two?.digest);
    expect(one?.sizeBytes).toBe(1);
    expect(one?.labels).toEqual({ made: 'here' });
  });

  it('takes an OCI layout and keeps its digest', async () => {
    const image = small();
    const [details] = await load(openImages(), await ociArchive(image, 'example.org/app:2'));
    expect(details).toMatchObject({ digest: image.manifestDigest, references: ['example.org/app:2'] });
  });

  it('follows the links that repeated layers are saved as, and mounts them once', async () => {
    const { layerTar } = small();
    const diffId = sha256(layerTar);
    const config = JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [diffId, diffId] } });
    const archive = await packTar([
      { name: 'one/layer.tar', content: layerTar },
      { name: 'two/layer.tar', type: 'symlink', linkname: '../one/layer.tar' },
      { name: 'c.json', content: config },
      {
        name: 'manifest.json',
        content: JSON.stringify([{ Config: 'c.json', RepoTags: null, Layers: ['one/layer.tar', 'two/layer.tar'] }]),
      },
    ]);
    const images = openImages();
    const [details] = await load(images, archive);
    expect(details).toMatchObject({ references: [], layers: [diffId, diffId] });
    const rootfs = await images.rootfsOf({ reference: '', digest: details?.digest ?? '' });
    expect(rootfs.layerDirs).toHaveLength(1);
  });

  it('makes layers that overlayfs merges as the image means them', async () => {
    const lower = fixtureTar([
      { name: 'kept', content: 'lower' },
      { name: 'gone', content: 'lower' },
      { name: 'changed', content: 'lower' },
      { name: 'opaque/old', content: 'lower' },
      { name: 'merged/old', content: 'lower' },
    ]);
    const upper = fixtureTar([
      { name: '.wh.gone' },
      { name: 'changed', content: 'upper' },
      { name: 'opaque/.wh..wh..opq' },
      { name: 'opaque/new', content: 'upper' },
      { name: 'merged/new', content: 'upper' },
    ]);
    const config = JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: [sha256(lower), sha256(upper)] },
    });
    const archive = await packTar([
      { name: '1.tar', content: lower },
      { name: '2.tar', content: gzipSync(upper) },
      { name: 'c.json', content: config },
      { name: 'manifest.json', content: '[{"Config":"c.json","RepoTags":["two:1"],"Layers":["1.tar","2.tar"]}]' },
    ]);
    const images = openImages();
    const [details] = await load(images, archive);
    const { layerDirs } = await images.rootfsOf({ reference: 'two:1', digest: details?.digest ?? '' });
    const merged = temporaryDir();
    expect(spawnSync('mount', ['-t', 'overlay', '-o', `lowerdir=${layerDirs.join(':')}`, 'overlay', merged]).status).toBe(0);
    try {
      expect(readdirSync(merged).sort()).toEqual(['changed', 'kept', 'merged', 'opaque']);
      expect(readFileSync(join(merged, 'changed'), 'utf8')).toBe('upper');
      expect(readdirSync(join(merged, 'opaque'))).toEqual(['new']);
      expect(readdirSync(join(merged, 'merged')).sort()).toEqual(['new', 'old']);
    } finally {
      spawnSync('umount', [merged]);
    }
  });

  it.each<[string, (archive: Buffer) => Buffer | Promise<Buffer>, string]>([
    ['is no tar', () => Buffer.from('hello'.repeat(500)), 'no image archive'],
    ['is empty', () => Buffer.alloc(0), 'neither manifest.json'],
    ['is cut short', (archive) => archive.subarray(0, 3000), 'damaged'],
    ['is a gzip cut short', (archive) => gzipSync(archive).subarray(0, 200), 'damaged'],
    ['has no manifest', () => packTar([{ name: 'file', content: 'x' }]), 'neither manifest.json'],
    [
      'names a layer it lacks',
      () =>
        packTar([
          { name: 'c.json', content: JSON.stringify({ rootfs: { diff_ids: [sha256('')] } }) },
          { name: 'manifest.json', content: '[{"Config":"c.json","Layers":["../../etc/passwd"]}]' },
        ]),
      'which its manifest names',
    ],
    [
      'has another layer than its configuration says',
      (archive) => Buffer.from(archive.toString('latin1').replace('file\0', 'elif\0'), 'latin1'),
      'unpacks to',
    ],
  ])('refuses an archive that %s, and keeps nothing', async (_, damage, words) => {
    const dataDir = temporaryDir();
    const loading = load(openImages({ dataDir }), await damage(await dockerArchive(small(), ['a:1'])));
    await expect(loading).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(words) });
    expect(leftIn(dataDir)).toEqual([]);
  });

  it('ends when the client goes away', async () => {
    const dataDir = temporaryDir();
    const archive = (await dockerArchive(small(), ['a:1'])).subarray(0, 2500);
    const stream = Readable.from(
      (async function* () {
        yield archive;
        throw new Error('client went away');
      })(),
    );
    await expect(openImages({ dataDir }).load(stream, () => undefined)).rejects.toThrow('client went away');
    expect(leftIn(dataDir)).toEqual([]);
  });

  it('says when the disk is full, and keeps nothing', async () => {
    const dataDir = join(temporaryDir(), 'tmpfs');
    mkdirSync(dataDir);
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', dataDir]).status).toBe(0);
    onTestFinished(() => void spawnSync('umount', [dataDir]));
    const images = openImages({ dataDir, limits: { freeDiskBytes: 0 } });
    const tooBig = imageOf([{ name: 'big', content: Buffer.alloc(5 * 2 ** 20, 'abc') }]);
    await expect(load(images, await dockerArchive(tooBig, ['big:1']))).rejects.toMatchObject({
      code: 'no-space',
      message: expect.stringContaining('no space'),
    });
    expect(leftIn(dataDir)).toEqual([]);
    await loadOne(images, small(), 'small:1');
  });
});

describe('names', () => {
  it('are references, digests, ids and what begins one of them', async () => {
    const images = openImages();
    const one = await loadOne(images, small('1'), 'one:1');
    const two = await loadOne(images, small('2'), 'two:1', 'two:latest');
    for (const name of [
      'two',
      'docker.io/library/two:1',
      two.id,
      two.digest,
      two.id.slice(7, 19),
      two.digest.slice(0, 30),
      `two@${two.digest}`,
    ]) {
      expect([name, (await images.inspect(name))?.id]).toEqual([name, two.id]);
    }
    expect(await images.inspect('three')).toBeUndefined();
    expect(await images.inspect(`one@${two.digest}`)).toBeUndefined();
    await expect(images.inspect('')).resolves.toBeUndefined();
    expect((await images.list()).map(({ id }) => id)).toEqual([one.id, two.id]);
    await expect(images.inspect('sha256:')).resolves.toBeUndefined();
  });

  it('that begin two ids are refused', async () => {
    const images = openImages();
    const ids = new Set<string>();
    // Seventeen ids: two at least share their first digit.
    for (let i = 0; i < 17; i++) ids.add((await loadOne(images, small(String(i)), `i${i}:1`)).id.slice(7, 8));
    const results = await Promise.allSettled([...ids].map((digit) => images.inspect(digit)));
    expect(results.some((result) => result.status === 'rejected' && /give more digits/.test(String(result.reason)))).toBe(true);
  });

  it('move to the newer image', async () => {
    const images = openImages();
    const old = await loadOne(images, small('1'), 'app:1');
    const next = await loadOne(images, small('2'), 'app:1');
    expect((await images.inspect('app:1'))?.id).toBe(next.id);
    expect((await images.inspect(old.id))?.references).toEqual([]);
  });
});

describe('remove', () => {
  it('takes the name, and with the last name the image, its blobs and layers', async () => {
    const dataDir = temporaryDir();
    const images = openImages({ dataDir });
    const { id } = await loadOne(images, small(), 'a:1', 'b:1');
    await expect(images.remove(id, false)).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining('a:1, b:1') });
    expect(await images.remove('a:1', false)).toEqual([{ untagged: 'a:1' }]);
    expect(await images.remove('b:1', false)).toEqual([{ untagged: 'b:1' }, { deleted: id }]);
    expect(await images.list()).toEqual([]);
    await expect.poll(() => leftIn(dataDir)).toEqual([]);
    await expect(images.remove('b:1', false)).rejects.toMatchObject({ code: 'not-found', message: 'No such image: b:1' });
  });

  it('spares what a container uses, also over a restart', async () => {
    const dataDir = temporaryDir();
    const images = openImages({ dataDir });
    const { id, digest } = await loadOne(images, small(), 'a:1');
    images.retain(digest, container);
    await expect(images.remove('a:1', false)).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining('container c0ffee000000'),
    });
    expect(await images.remove('a:1', true)).toEqual([{ untagged: 'a:1' }]);
    await expect(images.remove(id, true)).rejects.toMatchObject({ code: 'in-use' });

    const again = openImages({ dataDir });
    again.retain(digest, container);
    const rootfs = await again.rootfsOf({ reference: 'a:1', digest });
    expect(existsSync(join(rootfs.layerDirs[0] ?? '', 'file'))).toBe(true);
    rootfs.release();
    again.releaseContainer(container);
    expect(await again.remove(id, false)).toEqual([{ deleted: id }]);
    await expect.poll(() => leftIn(dataDir)).toEqual([]);
  });

  it('spares what is being mounted, and readers of a blob read on', async () => {
    const images = openImages();
    const { digest, id } = await loadOne(images, small(), 'a:1');
    const rootfs = await images.rootfsOf({ reference: 'a:1', digest });
    await expect(images.remove('a:1', false)).rejects.toMatchObject({ code: 'in-use' });
    rootfs.release();
    rootfs.release();
    const blob = await images.openBlob(id);
    await images.remove('a:1', false);
    expect(await images.openBlob(id)).toBeUndefined();
    expect(await text(blob?.stream ?? Readable.from([]))).toContain('"diff_ids"');
  });

  it('keeps a layer that another image has too', async () => {
    const images = openImages();
    const layer = [{ name: 'file', content: 'shared' }];
    await loadOne(images, imageOf(layer, { Cmd: ['a'] }), 'a:1');
    const other = await loadOne(images, imageOf(layer, { Cmd: ['b'] }), 'b:1');
    await images.remove('a:1', false);
    const rootfs = await images.rootfsOf({ reference: 'b:1', digest: other.digest });
    expect(existsSync(join(rootfs.layerDirs[0] ?? '', 'file'))).toBe(true);
  });
});

describe('a restart', () => {
  it('finds the images again', async () => {
    const dataDir = temporaryDir();
    const before = await loadOne(openImages({ dataDir }), small(), 'a:1');
    expect(await openImages({ dataDir }).list()).toEqual([expect.objectContaining({ id: before.id, references: before.references })]);
  });

  it('of the host counts only what had reached the disk, and leaves nothing of the rest', async () => {
    const dataDir = temporaryDir();
    const images = openImages({ dataDir });
    const settled = await loadOne(images, small('1'), 'a:1');
    const durable = join(dataDir, 'images.json');
    await expect.poll(() => existsSync(durable) && readFileSync(durable, 'utf8').includes(settled.digest)).toBe(true);
    // As it is while the next one is being written out.
    const then = readFileSync(durable);
    await loadOne(images, small('2'), 'b:1');
    await expect.poll(() => readFileSync(durable, 'utf8').includes('b:1')).toBe(true);
    writeFileSync(durable, then);
    const again = openImages({ dataDir, bootId: 'another' });
    expect((await again.list()).map(({ references }) => references)).toEqual([['docker.io/library/a:1']]);
    await expect.poll(() => leftIn(dataDir)).toHaveLength(4);
  });

  it('of the host finds an image that a container waited for', async () => {
    const dataDir = temporaryDir();
    const images = openImages({ dataDir });
    const { digest } = await loadOne(images, small(), 'a:1');
    await images.settled({ digest, reference: 'a:1' });
    expect(await openImages({ dataDir, bootId: 'another' }).list()).toHaveLength(1);
    await expect(images.settled({ digest: `sha256:${'0'.repeat(64)}`, reference: 'b:1' })).rejects.toThrow('could not be written');
  });

  it('drops an image whose layer is gone, and says so', async () => {
    const dataDir = temporaryDir();
    await loadOne(openImages({ dataDir }), small(), 'a:1');
    rmSync(join(dataDir, 'layers'), { recursive: true });
    const said: string[] = [];
    const images = openImages({ dataDir, log: (message) => void said.push(message) });
    expect(await images.list()).toEqual([]);
    expect(said.join()).toContain('pull it again');
    expect(leftIn(dataDir)).toEqual([]);
  });
});
