import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type FakeRegistry, fakeRegistry, imageOf, leftIn, openImages, temporaryDir, until } from './images-bench.test-suite.ts';

/** Big enough that unpacking it takes a while. */
const image = imageOf(Array.from({ length: 3000 }, (_, i) => ({ name: `dir/${i}`, content: randomBytes(8000) })));

/** A daemon that does nothing but pull, into `dataDir`. */
function pullInProcess(dataDir: string, registry: FakeRegistry): ChildProcess {
  const script = `
    import { OciImages } from ${JSON.stringify(join(import.meta.dirname, 'oci-images.ts'))};
    const images = new OciImages({ dataDir: ${JSON.stringify(dataDir)}, insecureRegistries: () => [], platform: { os: 'linux', architecture: 'amd64', variant: '' }, log: console.error });
    await images.pull('${registry.domain}/app:1', { credentials: undefined, signal: new AbortController().signal, onProgress: () => undefined });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Processes whose root is below `dir`: unpacking children. */
function unpackersIn(dir: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/root`).startsWith(dir);
    } catch {
      return false;
    }
  });
}

it.each<[string, (dataDir: string) => boolean]>([
  ['while it downloads', (dataDir) => existsSync(join(dataDir, 'blobs/ingest')) && readdirSync(join(dataDir, 'blobs/ingest')).length > 0],
  ['while it unpacks', (dataDir) => unpackersIn(dataDir).length > 0],
])('a daemon killed %s leaves nothing that the next start keeps', async (_, reached) => {
  const dataDir = join(temporaryDir(), 'images');
  const registry = await fakeRegistry(image.blobs, { '1': image.manifestDigest });
  const daemon = pullInProcess(dataDir, registry);
  await until(() => reached(dataDir));
  daemon.kill('SIGKILL');
  const images = openImages({ dataDir });
  expect(leftIn(dataDir)).toEqual([]);
  expect(await images.list()).toEqual([]);
  await until(() => unpackersIn(dataDir).length === 0);
  expect(leftIn(dataDir)).toEqual([]);

  const details = await images.pull(`${registry.domain}/app:1`, {
    credentials: undefined,
    signal: AbortSignal.timeout(30_000),
    onProgress: () => undefined,
  });
  const [dir = ''] = (await images.rootfsOf({ reference: '', digest: details.digest })).layerDirs;
  expect(readdirSync(join(dir, 'dir'))).toHaveLength(3000);
  expect(readFileSync(join(dir, 'dir/7'))).toHaveLength(8000);
});
