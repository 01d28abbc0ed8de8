import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { BlobSource } from '../../port.ts';
import { fakeRegistry, imageOf, leftIn, never, openImages, pullOptions, sourceOf, temporaryDir, until } from './images-bench.test-suite.ts';

const image = imageOf([{ name: 'file', content: 'x'.repeat(1000) }]);
const reference = { reference: 'docker.io/library/app:1', digest: image.manifestDigest };
const honest = (blobs: ReadonlyMap<string, Buffer> = image.blobs): BlobSource =>
  sourceOf('node-2', blobs, (content) => Readable.from([content]));

describe('fetch', () => {
  it('takes each blob from the first source that has it and tells the truth', async () => {
    const empty = sourceOf('node-3', new Map(), (content) => Readable.from([content]));
    const lying = sourceOf('node-4', image.blobs, (content) => Readable.from([Buffer.alloc(content.length)]));
    const broken: BlobSource = { name: 'node-5', open: () => Promise.reject(new Error('no route to node-5')) };
    const images = openImages();
    await images.fetch(reference, [empty, lying, broken, honest()], never);
    expect((await images.inspect('app:1'))?.id).toBe(image.configDigest);
  });

  it('says of each source why it was no help', async () => {
    const dataDir = temporaryDir();
    const lying = sourceOf('node-4', image.blobs, (content) => Readable.from([Buffer.alloc(content.length)]));
    const broken: BlobSource = { name: 'node-5', open: () => Promise.reject(new Error('no route')) };
    await expect(openImages({ dataDir }).fetch(reference, [lying, broken], never)).rejects.toMatchObject({
      message: expect.stringMatching(/node-4 sent something else.*; node-5 broke off: .*no route/),
    });
    await expect(openImages({ dataDir }).fetch(reference, [], never)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('there is no source to ask'),
    });
    expect(leftIn(dataDir)).toEqual([]);
  });

  it('of what is here asks nobody', async () => {
    const images = openImages();
    await images.fetch(reference, [honest()], never);
    await images.fetch({ ...reference, reference: 'docker.io/library/other:1' }, [], never);
    expect((await images.inspect('other:1'))?.references).toEqual(['docker.io/library/app:1', 'docker.io/library/other:1']);
  });

  it('of a newer version lets the old one go, once no container uses it', async () => {
    const images = openImages();
    await images.fetch(reference, [honest()], never);
    const newer = imageOf([{ name: 'file', content: 'newer' }]);
    await images.fetch({ ...reference, digest: newer.manifestDigest }, [honest(newer.blobs)], never);
    expect((await images.list()).map(({ id }) => id)).toEqual([newer.configDigest]);
    expect(await images.openBlob(image.configDigest)).toBeUndefined();
  });
});

describe('at the same time', () => {
  it('ten who want one image download it once', async () => {
    const registry = await fakeRegistry(image.blobs, { '1': image.manifestDigest });
    const images = openImages();
    await Promise.all(Array.from({ length: 5 }, () => images.pull(`${registry.domain}/app:1`, pullOptions())));
    await Promise.all(Array.from({ length: 5 }, () => images.fetch(reference, [honest()], never)));
    expect(registry.asked.filter((path) => path.includes('/blobs/') && !path.endsWith(image.manifestDigest))).toHaveLength(2);
    expect(await images.list()).toHaveLength(1);
  });

  it('one that gives up does not disturb the other; when both do, nothing stays', async () => {
    const dataDir = temporaryDir();
    const images = openImages({ dataDir });
    const gate = Promise.withResolvers<void>();
    const slow = sourceOf('slow', image.blobs, (content) =>
      Readable.from(
        (async function* () {
          yield content.subarray(0, 10);
          await gate.promise;
          yield content.subarray(10);
        })(),
      ),
    );
    const aborts = [new AbortController(), new AbortController()];
    const [one, two] = aborts.map(({ signal }) => images.fetch(reference, [slow], signal));
    await until(() => leftIn(dataDir).length > 0);
    aborts[0]?.abort(new Error('changed my mind'));
    await expect(one).rejects.toThrow('changed my mind');
    gate.resolve();
    await two;
    expect(await images.list()).toHaveLength(1);
  });

  it('an abort leaves nothing', async () => {
    const dataDir = temporaryDir();
    const registry = await fakeRegistry(image.blobs, { '1': image.manifestDigest });
    const abort = new AbortController();
    registry.intercept = (request, response) => {
      if (request.url?.endsWith(image.configDigest) !== true) return false;
      response.writeHead(200, { 'content-length': 500 }).write('{', () => abort.abort(new Error('Ctrl-C')));
      return true;
    };
    await expect(openImages({ dataDir }).pull(`${registry.domain}/app:1`, pullOptions(abort.signal))).rejects.toThrow('Ctrl-C');
    expect(leftIn(dataDir)).toEqual([]);
  });

  it('closing ends what is running', async () => {
    const dataDir = temporaryDir();
    const images = openImages({ dataDir });
    const stuck = sourceOf('stuck', image.blobs, () => new Readable({ read: () => undefined }));
    const fetching = images.fetch(reference, [stuck], never);
    await until(() => leftIn(dataDir).length > 0);
    images.close();
    await expect(fetching).rejects.toThrow('shutting down');
  });
});
