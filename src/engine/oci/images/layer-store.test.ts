import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256Digest } from './digest.ts';
import { never, temporaryDir } from './images-bench.test-suite.ts';
import { LayerStore } from './layer-store.ts';
import { IMAGE_LIMITS as limits } from './limits.ts';
import { fixtureTar } from './unpack/tar-fixture.ts';
import { defaultUnpackEntry } from './unpack/unpack.ts';

test('the same layer unpacked twice at the same time is there once, and nobody’s failure', async () => {
  const dir = temporaryDir();
  const layers = new LayerStore({ dir: join(dir, 'layers'), unpackEntry: defaultUnpackEntry(), limits });
  const tar = fixtureTar([{ name: 'tool', content: 'x' }]);
  const blobPath = join(dir, 'blob');
  writeFileSync(blobPath, tar);
  const unpack = () => layers.unpack({ diffId: undefined, blobDigest: sha256Digest(tar), blobPath }, never, () => undefined);
  const [one, other] = await Promise.all([unpack(), unpack()]);
  expect(other).toEqual(one);
  expect(layers.diffIds()).toEqual([one.diffId]);
});
