import { existsSync, readFileSync } from 'node:fs';
import type http from 'node:http';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type ImageParts, makeBusyboxImage, makeImage, pushImage, sha256 } from '../../../../scripts/make-image.ts';
import { pushBlobs, pushManifest } from '../../../../scripts/push-image.ts';
import type { PullProgress } from '../../port.ts';
import { MEDIA_TYPES } from './documents.ts';
import { fakeRegistry, imageOf, leftIn, openImages, pullOptions, temporaryDir } from './images-bench.test-suite.ts';
import { realRegistry } from './registries.test-suite.ts';
import { parseReference } from './reference.ts';
import { RegistryClient } from './registry/registry-client.ts';
import { RegistrySession } from './registry/registry-session.ts';
import { fixtureTar } from './unpack/tar-fixture.ts';

const image = imageOf([{ name: 'file', content: 'from the registry' }]);
const [layerDigest = ''] = [...image.blobs.keys()].filter((digest) => digest !== image.configDigest && digest !== image.manifestDigest);

/** The same layer, compressed with zstd, for another architecture if wished. */
function zstdImage(layerTar: Buffer, architecture: string): { blobs: Map<string, Buffer>; manifestDigest: string; manifest: Buffer } {
  const layer = zstdCompressSync(layerTar);
  const config = Buffer.from(
    JSON.stringify({ os: 'linux', architecture, config: {}, rootfs: { type: 'layers', diff_ids: [sha256(layerTar)] } }),
  );
  const describe = (mediaType: string, blob: Buffer) => ({ mediaType, digest: sha256(blob), size: blob.length });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: describe(MEDIA_TYPES.ociConfig, config),
      layers: [describe(MEDIA_TYPES.ociLayerZstd, layer)],
    }),
  );
  return { manifest, manifestDigest: sha256(manifest), blobs: new Map([config, layer, manifest].map((blob) => [sha256(blob), blob])) };
}

describe('from docker-registry', () => {
  it('an image comes complete, and is up to date the second time', async () => {
    const registry = await realRegistry();
    const busybox = await makeBusyboxImage({ architecture: 'amd64' });
    await pushImage(busybox, `http://${registry}/demo/busybox:1`);
    const images = openImages();
    const progress: PullProgress[] = [];
    const details = await images.pull(`${registry}/demo/busybox:1`, pullOptions(undefined, progress));
    expect(details).toMatchObject({
      id: busybox.configDigest,
      digest: busybox.manifestDigest,
      references: [`${registry}/demo/busybox:1`],
      published: [`${registry}/demo/busybox`],
    });
    // A slow download is told of more than once.
    expect(withoutRepeats(progress.map(({ status }) => status))).toEqual([
      'Pulling from demo/busybox',
      'Pulling fs layer',
      'Downloading',
      'Download complete',
      'Extracting',
      'Pull complete',
      `Digest: ${busybox.manifestDigest}`,
      `Status: Downloaded newer image for ${registry}/demo/busybox:1`,
    ]);
    const rootfs = await images.rootfsOf({ reference: '', digest: details.digest });
    expect(readFileSync(join(rootfs.layerDirs[0] ?? '', 'bin/busybox'))).toEqual(readFileSync('/bin/busybox'));

    const again: PullProgress[] = [];
    await images.pull(`${registry}/demo/busybox@${busybox.manifestDigest}`, pullOptions(undefined, again));
    expect(again.map(({ status }) => status)).toContain('Already exists');
    expect(again.at(-1)?.status).toContain('Image is up to date');
    expect((await images.list())[0]?.references).toHaveLength(2);
  });

  it("an index gives this platform's image, with a zstd layer; others are refused in words", async () => {
    const registry = await realRegistry();
    const layerTar = fixtureTar([{ name: 'arch', content: 'amd64' }]);
    const own = zstdImage(layerTar, 'amd64');
    const other = zstdImage(fixtureTar([{ name: 'arch', content: 'arm64' }]), 'arm64');
    const target = new URL(`http://${registry}/app:1`);
    for (const each of [own, other])
      await pushBlobs(new URL(`http://${registry}/app:part`), each.blobs, each.manifestDigest, MEDIA_TYPES.ociManifest);
    const entry = (each: typeof own, architecture: string) => ({
      mediaType: MEDIA_TYPES.ociManifest,
      digest: each.manifestDigest,
      size: each.manifest.length,
      platform: { os: 'linux', architecture },
    });
    const index = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [entry(other, 'arm64'), entry(own, 'amd64')] }),
    );
    await pushManifest(target, 'app', '1', index, MEDIA_TYPES.ociIndex);

    const images = openImages();
    const details = await images.pull(`${registry}/app:1`, pullOptions());
    expect(details).toMatchObject({ digest: sha256(index), architecture: 'amd64', arches: ['arm64', 'amd64'] });
    const [dir = ''] = (await images.rootfsOf({ reference: '', digest: details.digest })).layerDirs;
    expect(readFileSync(join(dir, 'arch'), 'utf8')).toBe('amd64');

    const riscv = openImages({ platform: { os: 'linux', architecture: 'riscv64', variant: '' } });
    await expect(riscv.pull(`${registry}/app:1`, pullOptions())).rejects.toMatchObject({
      code: 'no-platform',
      message: `no matching manifest for linux/riscv64: ${registry}/app:1 is made for linux/arm64, linux/amd64`,
    });
    // By the registry alone, for a node that was told the digest.
    const third = openImages();
    await third.fetch(
      { reference: `${registry}/app:1`, digest: sha256(index) },
      [third.registrySource(`${registry}/app:1`, undefined)],
      AbortSignal.timeout(20_000),
    );
    expect((await third.inspect(`${registry}/app:1`))?.id).toBe(details.id);
  });

  it('an unknown image is not found, in the words Docker has for it', async () => {
    const registry = await realRegistry();
    await expect(openImages().pull(`${registry}/none:1`, pullOptions())).rejects.toMatchObject({
      code: 'not-found',
      message: `manifest for ${registry}/none:1 not found: manifest unknown`,
    });
  });
});

it('an image for another architecture is refused', async () => {
  const foreign = makeImage(fixtureTar([]), { architecture: 'arm64' });
  const registry = await fakeRegistry(foreign.blobs, { '1': foreign.manifestDigest });
  await expect(openImages().pull(`${registry.domain}/app:1`, pullOptions())).rejects.toMatchObject({
    code: 'no-platform',
    message: expect.stringContaining('is for linux/arm64, this node is linux/amd64'),
  });
});

it('a registry that is not there is named with its port', async () => {
  await expect(openImages().pull('127.0.0.1:9/app', pullOptions())).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining("registry 127.0.0.1:9 can't be reached: connection refused"),
  });
});

it('a bad name is refused before anybody is asked', async () => {
  await expect(openImages().pull('App', pullOptions())).rejects.toMatchObject({ code: 'bad-reference' });
});

type Lie = (request: http.IncomingMessage, response: http.ServerResponse) => boolean;
/** Answers requests for the layer with this. */
const layerAs =
  (answer: (response: http.ServerResponse) => unknown): Lie =>
  (request, response) => {
    if (request.url?.endsWith(layerDigest) !== true) return false;
    answer(response);
    return true;
  };
const layerBytes = image.blobs.get(layerDigest) ?? Buffer.alloc(0);

describe('a registry that lies', () => {
  it.each<[string, Lie, string, string]>([
    [
      'with another manifest than it promises',
      (request, response) =>
        request.url?.includes('/manifests/') === true &&
        !!response.writeHead(200, { 'docker-content-digest': layerDigest }).end('{"schemaVersion":2}'),
      'corrupt',
      'sent something else',
    ],
    [
      'with an endless manifest',
      (request, response) => request.url?.includes('/manifests/') === true && endless(response),
      'corrupt',
      'more than',
    ],
    [
      'with no manifest but a web page',
      (request, response) => request.url?.includes('/manifests/') === true && !!response.writeHead(200).end('<html>'),
      'corrupt',
      'is not JSON',
    ],
    [
      'with other bytes of the same length',
      layerAs((response) => response.writeHead(200).end(Buffer.alloc(layerBytes.length))),
      'corrupt',
      'sent something else',
    ],
    [
      'with too few bytes',
      layerAs((response) => response.writeHead(200).end(layerBytes.subarray(1))),
      'corrupt',
      `${layerBytes.length - 1} bytes instead of ${layerBytes.length}`,
    ],
    ['with endless bytes', layerAs(endless), 'corrupt', 'more than'],
    [
      'by breaking off each time',
      layerAs((response) =>
        response.writeHead(200, { 'content-length': layerBytes.length }).write(layerBytes.subarray(0, 20), () => response.destroy()),
      ),
      'failed',
      'aborted',
    ],
    [
      'by never going on',
      layerAs((response) => response.writeHead(200, { 'content-length': layerBytes.length }).write(layerBytes.subarray(0, 20))),
      'failed',
      'receiving',
    ],
    ['by having no layer', layerAs((response) => response.writeHead(404).end()), 'not-found', `none of registry 127.0.0.1`],
    ['by refusing', layerAs((response) => response.writeHead(403).end()), 'denied', 'pull access denied for'],
    ['by always failing', layerAs((response) => response.writeHead(503).end()), 'unreachable', 'answered 503'],
    [
      'by redirecting in circles',
      layerAs((response) => response.writeHead(307, { location: `/v2/app/blobs/${layerDigest}` }).end()),
      'failed',
      'redirected more than',
    ],
    [
      'by redirecting to a file',
      layerAs((response) => response.writeHead(307, { location: 'file:///etc/passwd' }).end()),
      'failed',
      'no HTTP address',
    ],
  ])('%s is found out, and nothing stays', async (_, lie, code, words) => {
    const registry = await fakeRegistry(image.blobs, { '1': image.manifestDigest });
    registry.intercept = lie;
    const dataDir = temporaryDir();
    const pulling = openImages({
      dataDir,
      patience: { greetingMs: 2_000, idleMs: 300, attempts: 2, backoffMs: 1, retryAfterMs: 100, answerMs: 1_000 },
    }).pull(`${registry.domain}/app:1`, pullOptions());
    await expect(pulling).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
    expect(leftIn(dataDir)).toEqual([]);
  });

  it('for a while, or breaks off once, is asked again', async () => {
    const registry = await fakeRegistry(image.blobs, { '1': image.manifestDigest });
    let failures = 0;
    registry.intercept = (request, response) => {
      if (failures++ < 1) return !!response.writeHead(503).end();
      if (request.url?.endsWith(layerDigest) !== true || failures > 5) return false;
      failures = 6;
      response.writeHead(200, { 'content-length': layerBytes.length }).write(layerBytes.subarray(0, 20), () => response.destroy());
      return true;
    };
    expect((await openImages().pull(`${registry.domain}/app:1`, pullOptions())).id).toBe(image.configDigest);
    expect(registry.asked.filter((path) => path.endsWith(layerDigest))).toHaveLength(2);
  });
});

function endless(response: http.ServerResponse): true {
  const chunk = Buffer.alloc(65_536, '{');
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once('drain', more);
  };
  response.writeHead(200);
  more();
  return true;
}

describe('logging in', () => {
  const challenge = (domain: string): string => `Bearer realm="http://${domain}/token",service="test",scope="repository:app:pull"`;

  async function guarded(token: string, wwwAuthenticate: (domain: string) => string): Promise<Awaited<ReturnType<typeof fakeRegistry>>> {
    const registry = await fakeRegistry(image.blobs, { '1': image.manifestDigest });
    registry.intercept = (request, response) => {
      if (request.url?.startsWith('/token') === true) {
        const right = request.headers.authorization === `Basic ${Buffer.from('me:secret').toString('base64')}`;
        response.writeHead(right ? 200 : 401).end(JSON.stringify({ access_token: 'xyz' }));
        return true;
      }
      if (request.headers.authorization === token) return false;
      response.writeHead(401, { 'www-authenticate': wwwAuthenticate(registry.domain) }).end();
      return true;
    };
    return registry;
  }
  const withPassword = (password: string) => ({ ...pullOptions(), credentials: { username: 'me', password } });

  it('works by token', async () => {
    const registry = await guarded('Bearer xyz', challenge);
    expect((await openImages().pull(`${registry.domain}/app:1`, withPassword('secret'))).id).toBe(image.configDigest);
    expect(registry.asked.filter((path) => path.startsWith('/token'))).toEqual(['/token?service=test&scope=repository%3Aapp%3Apull']);
  });

  it('works by Basic', async () => {
    const registry = await guarded(`Basic ${Buffer.from('me:secret').toString('base64')}`, () => 'Basic realm="x"');
    expect((await openImages().pull(`${registry.domain}/app:1`, withPassword('secret'))).id).toBe(image.configDigest);
  });

  it.each<[string, Parameters<typeof guarded>[1], string | undefined, string]>([
    ['with a wrong password', challenge, 'wrong', 'is the password right?'],
    ['without credentials', () => 'Basic realm="x"', undefined, 'log in first'],
    [
      'where a fresh token is refused too',
      (domain) => challenge(domain),
      'secret',
      '/app:1, repository does not exist or may require login: ',
    ],
    ['in a way nobody knows', () => 'Negotiate', 'secret', "doesn't say how to log in"],
  ])('fails %s', async (_, wwwAuthenticate, password, words) => {
    const registry = await guarded('Bearer other', wwwAuthenticate);
    const options = password === undefined ? pullOptions() : withPassword(password);
    await expect(openImages().pull(`${registry.domain}/app:1`, options)).rejects.toMatchObject({
      code: 'denied',
      message: expect.stringContaining(words),
    });
  });

  it('keeps the token from where the registry redirects to', async () => {
    const storage = await fakeRegistry(image.blobs, {});
    let leaked: string | undefined;
    storage.intercept = (request) => {
      leaked ??= request.headers.authorization;
      return false;
    };
    const registry = await guarded('Bearer xyz', challenge);
    const guard = registry.intercept;
    registry.intercept = (request, response) =>
      guard(request, response) ||
      layerAs((answer) => answer.writeHead(307, { location: `http://${storage.domain}${request.url}` }).end())(request, response);
    await openImages().pull(`${registry.domain}/app:1`, withPassword('secret'));
    expect(storage.asked).toHaveLength(1);
    expect(leaked).toBeUndefined();
  });
});

it('without TLS a registry that should have it is told from one that has not', async () => {
  const registry = await fakeRegistry(image.blobs, { '1': image.manifestDigest });
  const endpoint = { domain: registry.domain, baseUrl: new URL(`https://${registry.domain}`), plain: false };
  const session = new RegistrySession({ endpoint, credentials: undefined });
  const client = new RegistryClient(session, parseReference(`${registry.domain}/app:1`), 1000);
  await expect(client.resolve(AbortSignal.timeout(5000))).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining(
      `server gave HTTP response to HTTPS client; if it is meant to be used without TLS, add "${registry.domain}" to insecure_registries`,
    ),
  });
});

it('an image that was pulled is on disk, nothing else', async () => {
  const registry = await fakeRegistry(image.blobs, { '1': image.manifestDigest });
  const dataDir = temporaryDir();
  const parts: ImageParts = image;
  await openImages({ dataDir }).pull(`${registry.domain}/app:1`, pullOptions());
  expect(leftIn(dataDir).sort()).toEqual([...parts.blobs.keys(), sha256(parts.layerTar)].map((digest) => digest.slice(7)).sort());
  expect(existsSync(join(dataDir, 'images.live.json'))).toBe(true);
});

const withoutRepeats = <T>(words: readonly T[]): readonly T[] => words.filter((word, index) => word !== words[index - 1]);
