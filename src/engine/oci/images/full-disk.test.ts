import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { ociArchive } from '../../../../scripts/make-image.ts';
import { mount, unmount } from '../../../linux/mount.ts';
import { imageOf, openImages, temporaryDir } from './images-bench.test-suite.ts';

/** To the last byte. */
function fill(dir: string): void {
  const fd = openSync(join(dir, 'filler'), 'w');
  try {
    for (const size of [64 * 1024, 512, 1]) {
      try {
        for (;;) writeSync(fd, Buffer.alloc(size));
      } catch {
        // No more of that size.
      }
    }
  } finally {
    closeSync(fd);
  }
}

test.each(['remove', 'prune'] as const)('a full disk does not keep images from going (%s), which is what makes space', async (how) => {
  const dataDir = temporaryDir();
  mount('tmpfs', dataDir, 'tmpfs', 0, 'size=2m');
  onTestFinished(() => unmount(dataDir));
  const images = openImages({ dataDir, limits: { freeDiskBytes: 0 } });
  for (const name of ['a:1', 'b:1']) {
    const archive = await ociArchive(imageOf([{ name: 'file', content: name.repeat(10_000) }]), name);
    await images.load(Readable.from([archive]), () => undefined);
    await images.settled({ digest: (await images.inspect(name))?.digest ?? '', reference: name });
  }
  fill(dataDir);
  const all = { all: true, untilMs: undefined, isMeant: (labels: unknown) => labels !== undefined };
  if (how === 'remove') await images.remove('a:1', false);
  else await images.prune(all);
  const left = how === 'remove' ? ['docker.io/library/b:1'] : [];
  for (const bootId of [undefined, 'another']) {
    const again = openImages({ dataDir, ...(bootId && { bootId }) });
    expect((await again.list()).flatMap(({ references }) => references)).toEqual(left);
  }
});
