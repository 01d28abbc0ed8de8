import { randomBytes } from 'node:crypto';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import type http from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { BlobSource } from '../../port.ts';
import {
  type FakeRegistry,
  fakeRegistry,
  imageOf,
  leftIn,
  never,
  openImages,
  pullOptions,
  temporaryDir,
} from './images-bench.test-suite.ts';

/** Of more than two MiB, incompressible. */
const image = imageOf([{ name: 'file', content: randomBytes(3 * 2 ** 20) }]);
const [layerDigest = '', layer = Buffer.alloc(0)] =
  [...image.blobs].find(([digest]) => digest !== image.configDigest && digest !== image.manifestDigest) ?? [];
const reference = { reference: 'docker.io/library/app:1', digest: image.manifestDigest };
const HALF = 2 ** 20 + 5000;

/** Sends the layer up to `end` and breaks the connection; ranges that are asked for are noted. */
function breakingOff(registry: FakeRegistry, end: (times: number) => number | undefined): (string | undefined)[] {
  const ranges: (string | undefined)[] = [];
  registry.intercept = (request: http.IncomingMessage, response: http.ServerResponse) => {
    if (request.url?.endsWith(`blobs/${layerDigest}`) !== true) return false;
    ranges.push(request.headers.range);
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const stop = end(ranges.length);
    const headers = { 'content-length': layer.length - start, 'content-range': `bytes ${start}-${layer.length - 1}/${layer.length}` };
    response.writeHead(start > 0 ? 206 : 200, headers);
    if (stop === undefined) response.end(layer.subarray(start));
    else response.write(layer.subarray(start, stop), () => response.destroy());
    return true;
  };
  return ranges;
}

describe('a download that breaks off', () => {
  it('goes on where it was', async () => {
    const registry = await fakeRegistry(image.blobs, { '1': image.manifestDigest });
    const ranges = breakingOff(registry, (times) => (times === 1 ? HALF : undefined));
    const details = await openImages().pull(`${registry.domain}/app:1`, pullOptions());
    expect(details.id).toBe(image.configDigest);
    expect(ranges).toHaveLength(2);
    expect(ranges[0]).toBeUndefined();
    expect(Number(/\d+/.exec(ranges[1] ?? '')?.[0])).toBeGreaterThan(2 ** 20);
  });

  it('again and again is no failure while it gets on', async () => {
    const registry = await fakeRegistry(image.blobs, { '1': image.manifestDigest });
    const ranges = breakingOff(registry, (times) => (times < 3 ? times * (2 ** 20 + 70_000) : undefined));
    await openImages().pull(`${registry.domain}/app:1`, pullOptions());
    expect(ranges).toHaveLength(3);
  });

  it('for good leaves what the next pull goes on with, also after a restart', async () => {
    const dataDir = temporaryDir();
    const registry = await fakeRegistry(image.blobs, { '1': image.manifestDigest });
    breakingOff(registry, () => HALF);
    await expect(openImages({ dataDir }).pull(`${registry.domain}/app:1`, pullOptions())).rejects.toMatchObject({ code: 'failed' });
    expect(leftIn(dataDir)).toEqual([layerDigest.slice(7)]);
    const ranges = breakingOff(registry, () => undefined);
    await openImages({ dataDir }).pull(`${registry.domain}/app:1`, pullOptions());
    expect(ranges[0]).toMatch(/^bytes=1\d{6}-$/);
    expect(leftIn(dataDir)).toHaveLength(4);
  });

  it('at one source goes on at the next', async () => {
    const asked: (number | undefined)[] = [];
    const broken: BlobSource = {
      name: 'node-2',
      open: async (digest) => {
        const content = image.blobs.get(digest) ?? Buffer.alloc(0);
        if (digest !== layerDigest) return { sizeBytes: content.length, stream: Readable.from([content]) };
        return { sizeBytes: content.length, stream: Readable.from(brokenOff(content)) };
      },
    };
    const whole: BlobSource = {
      name: 'node-3',
      open: async (digest, _, fromByte = 0) => {
        asked.push(fromByte);
        const content = image.blobs.get(digest) ?? Buffer.alloc(0);
        return { sizeBytes: content.length, stream: Readable.from([content.subarray(fromByte)]), startsAt: fromByte };
      },
    };
    const images = openImages();
    await images.fetch(reference, [broken, whole], never);
    expect(asked).toEqual([HALF]);
    expect((await images.inspect('app:1'))?.id).toBe(image.configDigest);
  });

  it('whose first part was a lie is asked for whole once more', async () => {
    const lying: BlobSource = {
      name: 'node-2',
      open: async (digest) =>
        digest === layerDigest ? { sizeBytes: layer.length, stream: Readable.from(brokenOff(Buffer.alloc(layer.length))) } : undefined,
    };
    const asked: number[] = [];
    const honest: BlobSource = {
      name: 'node-3',
      open: async (digest, _, fromByte = 0) => {
        if (digest === layerDigest) asked.push(fromByte);
        const content = image.blobs.get(digest) ?? Buffer.alloc(0);
        return { sizeBytes: content.length, stream: Readable.from([content.subarray(fromByte)]), startsAt: fromByte };
      },
    };
    const images = openImages();
    await images.fetch(reference, [lying, honest], never);
    expect(asked).toEqual([HALF, 0]);
    expect((await images.inspect('app:1'))?.sizeBytes).toBe(3 * 2 ** 20);
  });

  it('and cannot go on takes it from the beginning, without writing twice', async () => {
    const registry = await fakeRegistry(image.blobs, { '1': image.manifestDigest });
    let times = 0;
    registry.intercept = (request, response) => {
      if (request.url?.endsWith(`blobs/${layerDigest}`) !== true) return false;
      times++;
      response.writeHead(times === 2 ? 416 : 200, { 'content-length': times === 2 ? 0 : layer.length });
      if (times === 1) response.write(layer.subarray(0, HALF), () => response.destroy());
      else response.end(times === 2 ? undefined : layer);
      return true;
    };
    await openImages().pull(`${registry.domain}/app:1`, pullOptions());
    expect(times).toBe(3);
  });

  it('leaves nothing for ever: what nobody went on with for an hour goes', async () => {
    const dataDir = temporaryDir();
    mkdirSync(join(dataDir, 'blobs/partial'), { recursive: true });
    const paths = ['a', 'b'].map((digit) => join(dataDir, 'blobs/partial', digit.repeat(64)));
    for (const path of paths) writeFileSync(path, 'half');
    const now = Date.now() / 1000;
    utimesSync(paths[0] ?? '', now - 3700, now - 3700);
    openImages({ dataDir });
    expect(leftIn(dataDir)).toEqual(['b'.repeat(64)]);
  });
});

async function* brokenOff(content: Buffer): AsyncGenerator<Buffer> {
  yield content.subarray(0, HALF);
  throw new Error('connection lost');
}
