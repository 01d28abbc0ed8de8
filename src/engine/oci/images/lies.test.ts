import type http from 'node:http';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { makeImage, sha256 } from '../../../../scripts/make-image.ts';
import type { BlobSource } from '../../port.ts';
import { MEDIA_TYPES } from './documents.ts';
import { fakeRegistry, imageOf, leftIn, never, openImages, pullOptions, sourceOf, temporaryDir } from './images-bench.test-suite.ts';
import type { ImageLimits } from './limits.ts';
import { retryAfterMs } from './registry/http-request.ts';
import { fixtureTar } from './unpack/tar-fixture.ts';
import { Readable } from 'node:stream';

const image = imageOf([{ name: 'file', content: 'from the registry' }]);
const [layerDigest = '', layer = Buffer.alloc(0)] =
  [...image.blobs].find(([digest]) => digest !== image.configDigest && digest !== image.manifestDigest) ?? [];
const PATIENCE = { greetingMs: 2_000, idleMs: 2_000, attempts: 2, backoffMs: 1, retryAfterMs: 1_500, answerMs: 300 };

type Answer = (request: http.IncomingMessage, response: http.ServerResponse) => boolean;

/** One byte at a time, for ever. */
function dripping(response: http.ServerResponse): true {
  const drip = setInterval(() => response.write(' '), 20);
  response.on('close', () => clearInterval(drip));
  return true;
}

/** An image whose manifest or configuration says what it likes. */
function imageThatSays(change: { readonly manifest?: object; readonly config?: object; readonly layer?: Buffer; readonly tar?: Buffer }) {
  const tar = change.tar ?? image.layerTar;
  const blob = change.layer ?? gzipSync(tar);
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      config: {},
      rootfs: { type: 'layers', diff_ids: [sha256(tar)] },
      ...change.config,
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: { mediaType: MEDIA_TYPES.ociConfig, digest: sha256(config), size: config.length },
      layers: [{ mediaType: MEDIA_TYPES.ociLayerGzip, digest: sha256(blob), size: blob.length }],
      ...change.manifest,
    }),
  );
  return { blobs: new Map([config, blob, manifest].map((each) => [sha256(each), each])), digest: sha256(manifest) };
}

interface Served {
  readonly blobs: ReadonlyMap<string, Buffer>;
  readonly digest: string;
}

async function pullOf(
  served: Served,
  answer: Answer = () => false,
  limits: Partial<ImageLimits> = {},
): Promise<{ readonly pulling: Promise<unknown>; readonly dataDir: string; readonly asked: readonly string[] }> {
  const registry = await fakeRegistry(served.blobs, { '1': served.digest });
  registry.intercept = answer;
  const dataDir = temporaryDir();
  const pulling = openImages({ dataDir, patience: PATIENCE, limits }).pull(`${registry.domain}/app:1`, pullOptions());
  return { pulling, dataDir, asked: registry.asked };
}

const honest = { blobs: image.blobs, digest: image.manifestDigest };

describe('a registry that is slow on purpose', () => {
  it.each<[string, Answer, string, string]>([
    [
      'with a manifest that never ends',
      (request, response) => request.url?.includes('/manifests/') === true && !!response.writeHead(200) && dripping(response),
      'unreachable',
      'it takes longer than 0.3 s',
    ],
    [
      'with a head that never ends',
      (request) => {
        if (request.url?.includes('/manifests/') !== true) return false;
        const { socket } = request;
        socket.write('HTTP/1.1 200 OK\r\nx-a: ');
        const drip = setInterval(() => socket.write('a'), 20);
        socket.on('close', () => clearInterval(drip)).on('error', () => undefined);
        return true;
      },
      'unreachable',
      'no answer for 0.3 s',
    ],
    [
      'with a layer that comes byte by byte',
      (request, response) =>
        request.url?.endsWith(layerDigest) === true && !!response.writeHead(200, { 'content-length': layer.length }) && dripping(response),
      'failed',
      'it comes too slowly: less than 50 bytes in 0.2 s',
    ],
  ])('%s is given up, and nothing stays', async (_, answer, code, words) => {
    const { pulling, dataDir } = await pullOf(honest, answer, { slowestBytes: 50, slowestWindowMs: 200 });
    await expect(pulling).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
    expect(leftIn(dataDir)).toEqual([]);
  });
});

describe('a registry that wants to be left alone', () => {
  it.each<[string, number]>([
    ['too many requests', 429],
    ['no service now', 503],
  ])('for a moment (%s) is asked again after it', async (_, status) => {
    const askedAt: number[] = [];
    const { pulling } = await pullOf(honest, (request, response) => {
      if (request.url?.includes('/manifests/') !== true) return false;
      askedAt.push(performance.now());
      if (askedAt.length > 1) return false;
      response.writeHead(status, { 'retry-after': '1' }).end();
      return true;
    });
    await pulling;
    expect((askedAt[1] ?? 0) - (askedAt[0] ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it('for an hour is not asked again at all, and its words are passed on', async () => {
    const { pulling, asked } = await pullOf(honest, (_, response) => {
      const said = '{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}';
      response.writeHead(429, { 'retry-after': '3600' }).end(said);
      return true;
    });
    await expect(pulling).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('You have reached your pull rate limit'),
    });
    expect(asked).toHaveLength(1);
  });

  it('says so in seconds, or by a date', () => {
    const now = Date.parse('2026-11-22T10:00:00Z');
    expect(
      ['7', '0', 'Sun, 22 Nov 2026 10:00:30 GMT', 'Sun, 22 Nov 2026 09:00:00 GMT', 'soon', '-5', undefined].map((text) =>
        retryAfterMs(text, now),
      ),
    ).toEqual([7000, 0, 30_000, 0, 0, 0, 0]);
  });
});

describe('documents that do not fit', () => {
  it.each<[string, Served, Answer, string]>([
    [
      'an index by the media type of a manifest',
      imageThatSays({ manifest: { mediaType: MEDIA_TYPES.ociIndex } }),
      () => false,
      'which it is not',
    ],
    [
      'an index and a manifest at once',
      imageThatSays({ manifest: { mediaType: undefined, manifests: [] } }),
      () => false,
      'both an index and a manifest',
    ],
    [
      'a manifest that the registry calls an index',
      honest,
      (request, response) =>
        request.url?.includes('/manifests/') === true &&
        !!response.writeHead(200, { 'content-type': MEDIA_TYPES.ociIndex }).end(image.blobs.get(image.manifestDigest)),
      'but it is an image manifest',
    ],
    [
      'another number of layers than its configuration',
      imageThatSays({ config: { rootfs: { type: 'layers', diff_ids: [] } } }),
      () => false,
      '1 layers, but 0 diff ids',
    ],
    [
      'another layer than its configuration',
      imageThatSays({ config: { rootfs: { type: 'layers', diff_ids: [sha256('another')] } } }),
      () => false,
      `unpacks to ${sha256(image.layerTar)}`,
    ],
    ['a layer that is no tar', imageThatSays({ layer: gzipSync('hello'.repeat(300)) }), () => false, "can't be unpacked"],
    [
      'a bomb',
      imageThatSays({ tar: fixtureTar([{ name: 'bomb', content: Buffer.alloc(3 * 2 ** 20) }]) }),
      () => false,
      'unpacked it has more than',
    ],
  ])('%s is refused, and nothing stays', async (_, served, answer, words) => {
    const { pulling, dataDir } = await pullOf(served, answer, { unpackedLayerBytes: 2 ** 20 });
    await expect(pulling).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(words) });
    await expect.poll(() => leftIn(dataDir)).toEqual([]);
  });

  it('a layer is taken for what it is, whatever its media type says', async () => {
    const tar = fixtureTar([{ name: 'file', content: 'zstd' }]);
    for (const layerBlob of [zstdCompressSync(tar), tar]) {
      const { pulling } = await pullOf(imageThatSays({ tar, layer: layerBlob }));
      expect(await pulling).toMatchObject({ sizeBytes: 4 });
    }
  });
});

it('a peer that sends for ever is cut off at the size that the manifest says', async () => {
  const dataDir = temporaryDir();
  let sent = 0;
  const endless: BlobSource = sourceOf('node-9', image.blobs, (content) => {
    if (content !== layer) return Readable.from([content]);
    return new Readable({
      read() {
        sent += 1000;
        this.push(Buffer.alloc(1000));
      },
    });
  });
  const fetching = openImages({ dataDir }).fetch({ reference: 'docker.io/library/app:1', digest: image.manifestDigest }, [endless], never);
  await expect(fetching).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(`more than ${layer.length} bytes`) });
  expect(sent).toBeLessThan(1_000_000);
  expect(leftIn(dataDir)).toEqual([]);
});

it('an image that is for another machine than it says is refused by its configuration', async () => {
  const arm = makeImage(image.layerTar, { architecture: 'arm64' });
  const { pulling } = await pullOf({ blobs: arm.blobs, digest: arm.manifestDigest });
  await expect(pulling).rejects.toMatchObject({ code: 'no-platform' });
});
