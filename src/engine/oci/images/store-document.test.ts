import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { dockerArchive } from '../../../../scripts/make-image.ts';
import { ArchiveContents } from './archive/archive-contents.ts';
import { storeArchivedImages } from './archive/archive-images.ts';
import { BlobStore } from './blob-store.ts';
import { sha256Digest } from './digest.ts';
import { imageOf, never, temporaryDir } from './images-bench.test-suite.ts';
import { LayerStore } from './layer-store.ts';
import { IMAGE_LIMITS as limits } from './limits.ts';
import { importImage } from './new-image.ts';
import { Pins } from './pins.ts';
import { fixtureTar } from './unpack/tar-fixture.ts';
import { defaultUnpackEntry } from './unpack/unpack.ts';

/** Says which documents came while nothing spared them from garbage collection. */
class Watchful extends BlobStore {
  readonly pins = new Pins();
  readonly bare: string[] = [];
  stored = 0;

  override put(content: Uint8Array): Promise<string> {
    this.stored++;
    if (!this.pins.has(sha256Digest(Buffer.from(content)))) this.bare.push(Buffer.from(content).toString());
    return super.put(content);
  }
}

test('an image that is made here, or comes by an archive of the old form, is spared from the moment its documents are there', async () => {
  const dataDir = temporaryDir();
  const blobs = new Watchful(join(dataDir, 'blobs'));
  const layers = new LayerStore({ dir: join(dataDir, 'layers'), unpackEntry: defaultUnpackEntry(), limits });
  const pins = blobs.pins.hold();
  const tar = fixtureTar([{ name: 'tool', content: 'x' }]);
  const image = { reference: '', author: '', comment: '', config: {} };
  const platform = { os: 'linux', architecture: 'amd64', variant: '' };
  await importImage(Readable.from([tar]), image, platform, { blobs, layers, limits, pins, signal: never });

  const contents = new ArchiveContents(blobs);
  await contents.receive(Readable.from([await dockerArchive(imageOf([{ name: 'a' }]), ['a:1'])]), limits, never);
  await storeArchivedImages(contents, { blobs, pins, limits });

  expect(blobs.stored).toBe(4);
  expect(blobs.bare).toEqual([]);
});
