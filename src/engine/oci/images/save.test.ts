import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { dockerArchive, type ImageParts, makeImage, ociArchive, packTar, pushImage, sha256 } from '../../../../scripts/make-image.ts';
import { MEDIA_TYPES } from './documents.ts';
import { imageOf, leftIn, never, openImages, pullOptions, temporaryDir } from './images-bench.test-suite.ts';
import type { OciImages } from './oci-images.ts';
import { realRegistry } from './registries.test-suite.ts';
import { fixtureTar } from './unpack/tar-fixture.ts';

const one = imageOf([{ name: 'one', content: 'x'.repeat(5000) }]);
const two = imageOf([{ name: 'two', content: 'y' }]);
const arm = makeImage(fixtureTar([{ name: 'arm', content: 'arm' }]), { architecture: 'arm64' });

const load = (images: OciImages, archive: Buffer) => images.load(Readable.from([archive]), () => undefined);
const save = async (images: OciImages, ...names: string[]): Promise<Buffer> => buffer(await images.save(names, never));

/** Of both images, as for two platforms. */
function indexArchive(reference: string): { archive: Promise<Buffer>; digest: string } {
  const entry = (image: ImageParts, architecture: string) => ({
    mediaType: MEDIA_TYPES.ociManifest,
    digest: image.manifestDigest,
    size: image.blobs.get(image.manifestDigest)?.length,
    platform: { os: 'linux', architecture },
  });
  const index = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [entry(one, 'amd64'), entry(arm, 'arm64')] }),
  );
  const annotations = { 'io.containerd.image.name': reference };
  const top = { mediaType: MEDIA_TYPES.ociIndex, digest: sha256(index), size: index.length, annotations };
  const blobs = [...one.blobs, ...arm.blobs, [sha256(index), index] as const];
  const archive = packTar([
    ...blobs.map(([digest, content]) => ({ name: `blobs/${digest.replace(':', '/')}`, content })),
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests: [top] }) },
  ]);
  return { archive, digest: sha256(index) };
}

describe('save', () => {
  it('gives what load takes: digests, names and layers survive', async () => {
    const images = openImages();
    await load(images, await ociArchive(one, 'example.org/one:1'));
    await images.tag('example.org/one:1', 'example.org/one:latest');
    await images.tag('example.org/one:1', 'other:3');
    const [plain] = await load(images, await dockerArchive(two, ['two:1']));
    const archive = await save(images, 'example.org/one', 'two:1');
    const there = openImages();
    const loaded = await load(there, archive);
    expect(new Set(loaded.map(({ digest }) => digest))).toEqual(new Set([one.manifestDigest, plain?.digest]));
    expect((await there.inspect('example.org/one:latest'))?.references).toEqual(['example.org/one:1', 'example.org/one:latest']);
    expect(await there.inspect('other:3')).toBeUndefined();
    expect(await save(there, 'example.org/one', 'two:1')).toEqual(archive);
  });

  it('is read by those who know docker save only, and by skopeo in both its ways', async () => {
    const images = openImages();
    await load(images, await ociArchive(one, 'example.org/one:1'));
    const dir = temporaryDir();
    const path = join(dir, 'saved.tar');
    writeFileSync(path, await save(images, 'example.org/one:1'));
    const skopeo = (source: string, target: string): string =>
      execFileSync('skopeo', ['copy', '--insecure-policy', '-q', source, `dir:${join(dir, target)}`], { encoding: 'utf8' });
    skopeo(`oci-archive:${path}`, 'oci');
    expect(sha256(readFileSync(join(dir, 'oci/manifest.json')))).toBe(one.manifestDigest);
    skopeo(`docker-archive:${path}:example.org/one:1`, 'docker');
    const manifest = JSON.parse(readFileSync(join(dir, 'docker/manifest.json'), 'utf8')) as { config: { digest: string } };
    expect(manifest.config.digest).toBe(one.configDigest);
    const listed = execFileSync('tar', ['-xOf', path, 'manifest.json', 'repositories'], { encoding: 'utf8' });
    expect(listed).toContain('"RepoTags":["example.org/one:1"]');
    expect(listed).toContain('{"example.org/one":{"1":"');
  });

  it('by id has no name', async () => {
    const images = openImages();
    const [details] = await load(images, await ociArchive(one, 'example.org/one:1'));
    const [loaded] = await load(openImages(), await save(images, details?.id ?? ''));
    expect(loaded).toMatchObject({ digest: one.manifestDigest, references: [] });
  });

  it('of what is not here fails before the stream; an abort ends it, and lets go of the image', async () => {
    const dataDir = temporaryDir();
    const images = openImages({ dataDir });
    await expect(images.save(['none'], never)).rejects.toMatchObject({ code: 'not-found', message: 'No such image: none' });
    await load(images, await ociArchive(one, 'example.org/one:1'));
    const abort = new AbortController();
    const stream = await images.save(['example.org/one:1'], abort.signal);
    await expect(images.remove('example.org/one:1', false)).rejects.toMatchObject({ code: 'in-use' });
    const reading = buffer(stream);
    abort.abort(new Error('client went away'));
    await expect(reading).rejects.toThrow('aborted');
    await images.remove('example.org/one:1', false);
    await expect.poll(() => leftIn(dataDir)).toEqual([]);
  });
});

describe('an image for several platforms', () => {
  it('that came whole is saved and pushed whole', async () => {
    const registry = await realRegistry();
    const { archive, digest } = indexArchive(`${registry}/multi:1`);
    const images = openImages();
    expect((await load(images, await archive))[0]).toMatchObject({ digest, arches: ['amd64', 'arm64'] });
    const there = openImages();
    expect((await load(there, await save(images, `${registry}/multi:1`)))[0]).toMatchObject({ digest });
    const push = { credentials: undefined, signal: never, onProgress: () => undefined };
    expect(await there.push(`${registry}/multi:1`, push)).toMatchObject({ digest });
    expect(await images.distribution(`${registry}/multi:1`, undefined, never)).toMatchObject({
      digest,
      mediaType: MEDIA_TYPES.ociIndex,
      platforms: [{ architecture: 'amd64' }, { architecture: 'arm64' }],
    });
    await images.remove(`${registry}/multi:1`, false);
    expect(await images.openBlob(arm.configDigest)).toBeUndefined();
  });

  it('of which one was pulled is pushed as that one, and it says so', async () => {
    const registry = await realRegistry();
    const { archive, digest } = indexArchive(`${registry}/multi:1`);
    const first = openImages();
    await load(first, await archive);
    await first.push(`${registry}/multi:1`, { credentials: undefined, signal: never, onProgress: () => undefined });
    const images = openImages();
    expect(await images.pull(`${registry}/multi:1`, pullOptions())).toMatchObject({ digest });
    await images.tag(`${registry}/multi:1`, `${registry}/own:1`);
    const said: string[] = [];
    const pushed = await images.push(`${registry}/own:1`, {
      credentials: undefined,
      signal: never,
      onProgress: ({ status }) => void said.push(status),
    });
    expect(pushed.digest).toBe(one.manifestDigest);
    expect(said.join()).toContain("Only linux/amd64 is pushed: this node has not all that the image's index names (missing: linux/arm64)");
    const [saved] = await load(openImages(), await save(images, `${registry}/multi:1`));
    expect(saved?.digest).toBe(digest);
  });

  it('is saved and pushed with what only another image here names, which stays meanwhile', async () => {
    const registry = await realRegistry();
    const { archive } = indexArchive(`${registry}/multi:1`);
    const first = openImages();
    await load(first, await archive);
    const push = { credentials: undefined, signal: never, onProgress: () => undefined };
    await first.push(`${registry}/multi:1`, push);
    await pushImage(arm, `http://${registry}/arm:1`);
    const images = openImages();
    await images.pull(`${registry}/multi:1`, pullOptions());
    await images.pull(`${registry}/arm:1`, { ...pullOptions(), platform: { os: 'linux', architecture: 'arm64', variant: '' } });
    const stream = await images.save([`${registry}/multi:1`], never);
    await expect(images.remove(`${registry}/arm:1`, false)).rejects.toMatchObject({ code: 'in-use' });
    const there = openImages();
    expect(await load(there, await buffer(stream))).toMatchObject([{ arches: ['amd64', 'arm64'] }]);
    await images.tag(`${registry}/multi:1`, `${registry}/again:1`);
    let removal: Promise<unknown> | undefined;
    await images.push(`${registry}/again:1`, {
      ...push,
      onProgress: ({ status }) => {
        if (status === 'Preparing') removal ??= images.remove(`${registry}/arm:1`, false).catch((error: unknown) => error);
      },
    });
    expect(await removal).toMatchObject({ code: 'in-use' });
    await images.remove(`${registry}/arm:1`, false);
    expect(await images.openBlob(arm.configDigest)).toBeUndefined();
  });

  it("can be had for another platform than the node's, to look at and pass on, not to run", async () => {
    const registry = await realRegistry();
    const images = openImages();
    await pushImage(arm, `http://${registry}/arm:1`);
    const platform = { os: 'linux', architecture: 'arm64', variant: '' };
    const details = await images.pull(`${registry}/arm:1`, { ...pullOptions(), platform });
    expect(details).toMatchObject({ architecture: 'arm64', digest: arm.manifestDigest });
    await expect(images.rootfsOf({ reference: 'arm:1', digest: details.digest })).rejects.toMatchObject({
      code: 'no-platform',
      message: "arm:1 is for linux/arm64, this node is linux/amd64: it can't run here",
    });
    await expect(
      images.pull(`${registry}/arm:1`, { ...pullOptions(), platform: { ...platform, architecture: 's390x' } }),
    ).rejects.toMatchObject({
      code: 'no-platform',
      message: expect.stringContaining('is for linux/arm64, wanted was linux/s390x'),
    });
    await images.tag(`${registry}/arm:1`, `${registry}/again:1`);
    await images.push(`${registry}/again:1`, { credentials: undefined, signal: never, onProgress: () => undefined });
    const [loaded] = await load(openImages(), await save(images, `${registry}/arm:1`));
    expect(loaded).toMatchObject({ architecture: 'arm64', digest: arm.manifestDigest });
  });
});
