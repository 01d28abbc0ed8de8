import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { dockerArchive, type ImageParts, ociArchive, pushImage, sha256 } from '../../../../scripts/make-image.ts';
import type { ImageDetails, PullProgress, PushOptions, RegistryCredentials } from '../../port.ts';
import { fakeRegistry, imageOf, never, openImages, pullOptions, temporaryDir, until } from './images-bench.test-suite.ts';
import type { OciImages } from './oci-images.ts';
import { PATIENCE } from './registry/http-request.ts';
import { passwordRegistry, realRegistry, tokenRegistry } from './registries.test-suite.ts';

const me: RegistryCredentials = { username: 'me', password: 'secret' };
const image = imageOf([{ name: 'file', content: readFileSync('/bin/busybox') }]);
const layerDigest = [...image.blobs.keys()].find((digest) => digest !== image.configDigest && digest !== image.manifestDigest) ?? '';

function pushOptions(progress: PullProgress[] = [], credentials?: RegistryCredentials): PushOptions {
  return { credentials, signal: never, onProgress: (each) => void progress.push(each) };
}

async function load(images: OciImages, archive: Buffer): Promise<ImageDetails> {
  const [details] = await images.load(Readable.from([archive]), () => undefined);
  if (details === undefined) throw new Error('nothing was loaded');
  return details;
}

async function withImage(reference: string, parts: ImageParts = image): Promise<OciImages> {
  const images = openImages();
  await load(images, await ociArchive(parts, reference));
  return images;
}

describe('to docker-registry', () => {
  it('an image goes as it is here, and comes back with its digest', async () => {
    const registry = await realRegistry();
    const images = await withImage(`${registry}/me/app:1`);
    const progress: PullProgress[] = [];
    const pushed = await images.push(`${registry}/me/app:1`, pushOptions(progress));
    expect(pushed).toEqual({ digest: image.manifestDigest, sizeBytes: image.blobs.get(image.manifestDigest)?.length });
    expect(withoutRepeats(progress.map(({ status }) => status))).toEqual([
      `The push refers to repository [${registry}/me/app]`,
      'Preparing',
      'Pushing',
      'Pushed',
      `1: digest: ${image.manifestDigest} size: ${pushed.sizeBytes}`,
    ]);
    // Docker names layers by what they unpack to.
    expect(progress.find(({ status }) => status === 'Pushed')?.id).toBe(sha256(image.layerTar).slice(7, 19));
    const back = await openImages().pull(`${registry}/me/app:1`, pullOptions());
    expect(back).toMatchObject({ digest: image.manifestDigest, id: image.configDigest });

    const again: PullProgress[] = [];
    await images.push(`${registry}/me/app:1`, pushOptions(again));
    expect(again.map(({ status }) => status)).toContain('Layer already exists');
    expect(again.map(({ status }) => status)).not.toContain('Pushing');
  });

  it('an image is known by its digest there until its last name there is removed, after a restart, too', async () => {
    const registry = await realRegistry();
    const dataDir = temporaryDir();
    const images = openImages({ dataDir });
    await load(images, await ociArchive(image, 'made/here:1'));
    for (const name of ['app:1', 'app:2']) await images.tag('made/here:1', `${registry}/${name}`);
    expect(await images.inspect('made/here:1')).not.toHaveProperty('published');
    await images.push(`${registry}/app:1`, pushOptions());
    expect((await images.inspect('made/here:1'))?.published).toEqual([`${registry}/app`]);
    expect(await images.inspect(`${registry}/app@${image.manifestDigest}`)).toBeDefined();
    await images.settled({ reference: '', digest: image.manifestDigest });
    // Its last word to the disk: two that write there at once are no restart.
    await until(() => readFileSync(join(dataDir, 'images.json'), 'utf8').includes('published'));
    images.close();
    const again = openImages({ dataDir });
    await again.remove(`${registry}/app:1`, false);
    expect((await again.inspect('made/here:1'))?.published).toEqual([`${registry}/app`]);
    await again.remove(`${registry}/app:2`, false);
    expect(await again.inspect('made/here:1')).not.toHaveProperty('published');
  });

  it('an image that came in an archive of plain layers goes too', async () => {
    const registry = await realRegistry();
    const images = openImages();
    const details = await load(images, await dockerArchive(image, [`${registry}/plain:1`]));
    expect(await images.push(`${registry}/plain:1`, pushOptions())).toMatchObject({ digest: details.digest });
    expect((await openImages().pull(`${registry}/plain:1`, pullOptions())).id).toBe(details.id);
  });

  it('a layer that another repository has is mounted from there', async () => {
    const registry = await realRegistry();
    await pushImage(image, `http://${registry}/base:1`);
    const images = openImages();
    await images.pull(`${registry}/base:1`, pullOptions());
    await images.tag(`${registry}/base:1`, `${registry}/derived:2`);
    const progress: PullProgress[] = [];
    await images.push(`${registry}/derived:2`, pushOptions(progress));
    expect(progress.map(({ status }) => status)).toContain('Mounted from base');
    expect((await openImages().pull(`${registry}/derived:2`, pullOptions())).digest).toBe(image.manifestDigest);
  });

  it.each<[string, (registry: string) => string, string, string]>([
    ['a name that is not here', (registry) => `${registry}/none:1`, 'not-found', 'An image does not exist locally with the tag: 127.0.0.1'],
    ['a digest', (registry) => `${registry}/app@${image.manifestDigest}`, 'bad-reference', 'cannot push a digest reference'],
  ])('%s is refused', async (_, name, code, words) => {
    const registry = await realRegistry();
    const images = await withImage(`${registry}/app:1`);
    await expect(images.push(name(registry), pushOptions())).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  });
});

describe('where one has to log in', () => {
  it('a user name and a password do', async () => {
    const registry = await passwordRegistry();
    const images = await withImage(`${registry}/app:1`);
    await expect(images.push(`${registry}/app:1`, pushOptions())).rejects.toMatchObject({ code: 'denied' });
    await images.push(`${registry}/app:1`, pushOptions([], me));
    await expect(openImages().pull(`${registry}/app:1`, pullOptions())).rejects.toMatchObject({ code: 'denied' });
    expect((await openImages().pull(`${registry}/app:1`, { ...pullOptions(), credentials: me })).digest).toBe(image.manifestDigest);
  });

  it('a token is asked for once per scope', async () => {
    const registry = await tokenRegistry();
    const images = await withImage(`${registry.domain}/me/app:1`);
    await images.push(`${registry.domain}/me/app:1`, pushOptions([], me));
    expect(registry.tokens).toEqual([{ how: 'GET', scopes: ['repository:me/app:pull,push'] }]);
    expect(registry.asked.filter((path) => path.startsWith('PATCH'))).toHaveLength(2);
    expect(registry.asked.at(-1)).toBe('PUT /v2/me/app/manifests/1');
  });

  it('a worn token is renewed before it is refused', async () => {
    const registry = await tokenRegistry();
    // It is worn before it is given.
    registry.graceSeconds = -1;
    registry.lifetimeSeconds = 0.001;
    const issued = registry.tokens;
    const images = await withImage(`${registry.domain}/me/app:1`);
    await expect(images.push(`${registry.domain}/me/app:1`, pushOptions([], me))).rejects.toMatchObject({ code: 'denied' });
    registry.lifetimeSeconds = 1;
    // Who did not renew it would not notice; none is refused, however slow this machine is.
    registry.graceSeconds = 300;
    issued.length = 0;
    registry.intercept = (request) => {
      // After this the token is worn.
      if (request.method === 'PATCH') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 950);
      return false;
    };
    await images.push(`${registry.domain}/me/app:1`, pushOptions([], me));
    expect(issued.length).toBeGreaterThan(1);
  });

  it('an identity token is a refresh token, and mounting asks for both repositories', async () => {
    const registry = await tokenRegistry();
    const images = await withImage(`${registry.domain}/base:1`);
    const token: RegistryCredentials = { username: '', password: '', identityToken: 'refresh-me' };
    await images.push(`${registry.domain}/base:1`, pushOptions([], token));
    await images.tag(`${registry.domain}/base:1`, `${registry.domain}/derived:1`);
    registry.tokens.length = 0;
    const progress: PullProgress[] = [];
    await images.push(`${registry.domain}/derived:1`, pushOptions(progress, { username: '<token>', password: 'refresh-me' }));
    expect(progress.map(({ status }) => status)).toContain('Mounted from base');
    expect(registry.tokens).toEqual([
      { how: 'POST', scopes: ['repository:derived:pull,push'] },
      { how: 'POST', scopes: ['repository:derived:pull,push', 'repository:base:pull'] },
    ]);
  });

  it.each(['pull', 'push', 'login', 'distribution'] as const)(
    '%s gives up on a registry that says nothing, and asks it once',
    async (what) => {
      const registry = await fakeRegistry(image.blobs, {});
      registry.intercept = () => true;
      const images = openImages({ patience: { ...PATIENCE, greetingMs: 100, idleMs: 3_600_000, backoffMs: 1 } });
      const name = `${registry.domain}/app:1`;
      await images.load(Readable.from([await ociArchive(image, name)]), () => undefined);
      const asking = {
        pull: () => images.pull(name, pullOptions()),
        push: () => images.push(name, { credentials: undefined, signal: never, onProgress: () => undefined }),
        login: () => images.login(registry.domain, me, never),
        distribution: () => images.distribution(name, undefined, never),
      };
      await expect(asking[what]()).rejects.toMatchObject({
        code: 'unreachable',
        message: expect.stringMatching(
          `^registry ${registry.domain} can't be reached: no (answer for|connection within) 0.1 s; is a registry running at`,
        ),
      });
      // A push asks for each of its layers at once.
      expect(new Set(registry.asked).size).toBe(registry.asked.length);
    },
  );

  it('login says whether the registry takes the credentials, and distribution what it has', async () => {
    const [byPassword, byToken] = [await passwordRegistry(), await tokenRegistry()];
    const images = openImages();
    await images.login(byPassword, me, never);
    await expect(images.login(byPassword, { ...me, password: 'wrong' }, never)).rejects.toMatchObject({ code: 'denied' });
    await expect(images.login(byToken.domain, { ...me, password: 'wrong' }, never)).rejects.toMatchObject({
      code: 'denied',
      message: expect.stringContaining('unauthorized'),
    });
    await expect(images.login('127.0.0.1:9', me, never)).rejects.toMatchObject({ code: 'unreachable' });
    const open = await realRegistry();
    await pushImage(image, `http://${open}/app:1`);
    expect(await images.distribution(`${open}/app:1`, undefined, never)).toMatchObject({
      digest: image.manifestDigest,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      platforms: [{ os: 'linux', architecture: 'amd64', variant: '' }],
    });
    await expect(images.distribution(`${open}/none:1`, undefined, never)).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('a registry that stumbles', () => {
  it('gets the rest of a blob, not all of it again', async () => {
    const registry = await tokenRegistry();
    const images = await withImage(`${registry.domain}/app:1`);
    let broke = false;
    registry.intercept = (request, response) => {
      if (request.method !== 'PATCH' || broke || Number(request.headers['content-length']) < 10_000) return false;
      broke = true;
      request.once('data', () => response.destroy());
      return true;
    };
    await images.push(`${registry.domain}/app:1`, pushOptions([], me));
    expect(broke).toBe(true);
    expect((await openImages().pull(`${registry.domain}/app:1`, { ...pullOptions(), credentials: me })).digest).toBe(image.manifestDigest);
  });

  it.each<[string, (response: import('node:http').ServerResponse) => unknown, string, string]>([
    ['without a place for the upload', (response) => response.writeHead(202).end(), 'failed', 'no HTTP address'],
    ['with a place that is none', (response) => response.writeHead(202, { location: 'file:///etc' }).end(), 'failed', 'no HTTP address'],
    [
      'by refusing',
      (response) => response.writeHead(403).end('{"errors":[{"code":"DENIED","message":"no"}]}'),
      'denied',
      'push access denied for',
    ],
    ['by being full', (response) => response.writeHead(507).end(), 'unreachable', 'answered 507'],
  ])('%s ends the push', async (_, answer, code, words) => {
    const registry = await tokenRegistry();
    const images = await withImage(`${registry.domain}/app:1`);
    registry.intercept = (request, response) => {
      if (request.method !== 'POST') return false;
      answer(response);
      return true;
    };
    await expect(images.push(`${registry.domain}/app:1`, pushOptions([], me))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
    });
    expect(registry.asked.some((path) => path.startsWith('PUT /v2/app/manifests'))).toBe(false);
  });

  it('is given a pause before it is asked again', async () => {
    const registry = await tokenRegistry();
    // So long a one that only the abort ends it.
    const images = openImages({ patience: { ...PATIENCE, backoffMs: 3_600_000 } });
    await load(images, await ociArchive(image, `${registry.domain}/app:1`));
    const abort = new AbortController();
    const uploads = () => registry.asked.filter((asked) => asked.startsWith('PATCH '));
    registry.intercept = (request, response) => {
      if (request.method !== 'PATCH') return false;
      request.once('data', () => response.destroy());
      setTimeout(() => abort.abort(new Error('Ctrl-C')), 500);
      return true;
    };
    await expect(images.push(`${registry.domain}/app:1`, { ...pushOptions([], me), signal: abort.signal })).rejects.toThrow('Ctrl-C');
    expect(uploads()).toHaveLength(1);
  });

  it('an abort ends it', async () => {
    const registry = await tokenRegistry();
    const images = await withImage(`${registry.domain}/app:1`);
    const abort = new AbortController();
    registry.intercept = (request) => {
      if (request.method !== 'PATCH') return false;
      abort.abort(new Error('Ctrl-C'));
      return true;
    };
    await expect(images.push(`${registry.domain}/app:1`, { ...pushOptions([], me), signal: abort.signal })).rejects.toThrow('Ctrl-C');
    expect(await images.remove(`${registry.domain}/app:1`, false)).toHaveLength(2);
    expect(await images.openBlob(layerDigest)).toBeUndefined();
  });
});

const withoutRepeats = <T>(words: readonly T[]): readonly T[] => words.filter((word, index) => word !== words[index - 1]);
