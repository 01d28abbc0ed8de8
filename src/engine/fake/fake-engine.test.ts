import { describe, expect, it } from 'vitest';
import { attachContract, SHORT_PATIENCE } from '../attach.test-suite.ts';
import { type EngineBench, engineContract } from '../contract.test-suite.ts';
import { filesContract } from '../files.test-suite.ts';
import { processContract } from '../process.test-suite.ts';
import { FakeEngine } from './fake-engine.ts';
import { FakeHost } from './fake-host.ts';
import { fakeImage } from './fake-images.ts';

async function makeBench(): Promise<EngineBench> {
  const host = new FakeHost();
  return {
    open: async () => new FakeEngine(host, SHORT_PATIENCE),
    destroy: async () => {
      for (const { process } of host.containers.values()) process?.end(137);
    },
  };
}

engineContract('fake', makeBench);
attachContract('fake', makeBench);
processContract('fake', makeBench);
filesContract('fake', makeBench);

describe('FakeImages', () => {
  const pull = { credentials: undefined, onProgress: () => undefined, signal: new AbortController().signal };
  const other = fakeImage({
    digest: `sha256:${'1'.repeat(64)}`,
    id: `sha256:${'2'.repeat(64)}`,
    references: ['docker.io/library/other:1'],
  });

  it('pulls what is published, and only that', async () => {
    const { images } = new FakeHost();
    images.publish(other);
    expect(await images.inspect('docker.io/library/other:1')).toBeUndefined();
    expect(await images.pull('docker.io/library/other:1', pull)).toEqual(other);
    expect(await images.inspect('222222222222')).toEqual(other);
    await expect(images.pull('docker.io/library/none:1', pull)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('fetches from peers by digest', async () => {
    const { images: here } = new FakeHost();
    const { images: there } = new FakeHost();
    there.add(other);
    const peer = { name: 'peer', open: (digest: string) => there.openBlob(digest) };
    await here.fetch({ reference: 'docker.io/library/other:1', digest: other.digest }, [peer], pull.signal);
    expect(await here.inspect(other.id)).toEqual(other);
  });

  it('keeps what a container uses', async () => {
    const { images } = new FakeHost();
    images.retain(fakeImage().digest, 'c'.repeat(64));
    await expect(images.remove('docker.io/library/busybox:latest', false)).rejects.toMatchObject({ code: 'in-use' });
    images.releaseContainer('c'.repeat(64));
    expect(await images.remove('docker.io/library/busybox:latest', false)).toContainEqual({ deleted: fakeImage().id });
    expect(await images.list()).toEqual([]);
  });
});
