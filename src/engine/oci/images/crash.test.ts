import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dockerArchive, ociArchive } from '../../../../scripts/make-image.ts';
import { type FakeRegistry, fakeRegistry, imageOf, leftIn, openImages, temporaryDir, until } from './images-bench.test-suite.ts';

/** Big enough that unpacking it takes a while. */
const image = imageOf(Array.from({ length: 3000 }, (_, i) => ({ name: `dir/${i}`, content: randomBytes(8000) })));
const layerDigest = [...image.blobs.keys()].find((digest) => digest !== image.configDigest && digest !== image.manifestDigest) ?? '';

/** Of so many files that its unpacking is seen, too. */
const more = imageOf(Array.from({ length: 20_000 }, (_, i) => ({ name: `more/${i}`, content: 'x' })));

/** A daemon that does nothing but this, on the `images` in `dataDir`. */
function daemonThat(does: string, dataDir: string): ChildProcess {
  const script = `
    import { createReadStream, writeFileSync } from 'node:fs';
    import { OciImages } from ${JSON.stringify(join(import.meta.dirname, 'oci-images.ts'))};
    const images = new OciImages({ dataDir: ${JSON.stringify(dataDir)}, insecureRegistries: () => [], platform: { os: 'linux', architecture: 'amd64', variant: '' }, log: console.error });
    const signal = new AbortController().signal;
    const options = { credentials: undefined, signal, onProgress: () => undefined };
    const made = { reference: 'docker.io/library/made:1', author: '', comment: '', config: {} };
    ${does};
    setInterval(() => undefined, 1000);`;
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

const filesIn = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : []);

async function killWhen(reached: () => boolean, daemon: ChildProcess): Promise<void> {
  await until(reached);
  daemon.kill('SIGKILL');
}

async function pullsNow(registry: FakeRegistry, dataDir: string): Promise<void> {
  const images = openImages({ dataDir });
  const details = await images.pull(`${registry.domain}/app:1`, {
    credentials: undefined,
    signal: AbortSignal.timeout(30_000),
    onProgress: () => undefined,
  });
  const [dir = ''] = (await images.rootfsOf({ reference: '', digest: details.digest })).layerDirs;
  expect(readdirSync(join(dir, 'dir'))).toHaveLength(3000);
  expect(readFileSync(join(dir, 'dir/7'))).toHaveLength(8000);
}

describe('a daemon killed', () => {
  it.each<[string, (dataDir: string) => boolean]>([
    ['while it downloads', (dataDir) => filesIn(join(dataDir, 'blobs/partial')).length > 0],
    ['while it unpacks', (dataDir) => unpackersIn(dataDir).length > 0],
  ])('%s leaves nothing but what came of the layer, for the next pull', async (_, reached) => {
    const dataDir = join(temporaryDir(), 'images');
    const registry = await fakeRegistry(image.blobs, { '1': image.manifestDigest });
    const daemon = daemonThat(`await images.pull('${registry.domain}/app:1', options)`, dataDir);
    await killWhen(() => reached(dataDir), daemon);
    const images = openImages({ dataDir });
    const known = new Set([...image.blobs.keys()].map((digest) => digest.slice(7)));
    expect(leftIn(dataDir).filter((name) => !known.has(name))).toEqual([]);
    expect(filesIn(join(dataDir, 'blobs/sha256'))).toEqual([]);
    expect(await images.list()).toEqual([]);
    await until(() => unpackersIn(dataDir).length === 0);
    await pullsNow(registry, dataDir);
    expect(leftIn(dataDir)).toHaveLength(4);
  });

  it.each<[string, string]>([
    ['load', "await images.load(createReadStream('PATH/image.tar'), () => undefined)"],
    ['import', "await images.importRoot(createReadStream('PATH/layer.tar'), made, undefined, signal)"],
  ])('in the midst of %s leaves nothing', async (_, does) => {
    const dir = temporaryDir();
    const dataDir = join(dir, 'images');
    writeFileSync(join(dir, 'image.tar'), await dockerArchive(image, ['app:1']));
    writeFileSync(join(dir, 'layer.tar'), image.layerTar);
    await killWhen(() => unpackersIn(dataDir).length > 0, daemonThat(does.replace('PATH', dir), dataDir));
    const images = openImages({ dataDir });
    expect(leftIn(dataDir)).toEqual([]);
    expect(await images.list()).toEqual([]);
  });

  it.each<[string, string, (dir: string, registry: FakeRegistry) => boolean]>([
    [
      'commit',
      "await images.commit((await images.inspect('NAME')).digest, createReadStream('PATH/layer.tar'), made, signal)",
      (dir) => unpackersIn(join(dir, 'images')).length > 0,
    ],
    [
      'save',
      "(await images.save(['NAME'], signal)).once('readable', function () { this.read(1); writeFileSync('PATH/begun', ''); })",
      (dir) => existsSync(join(dir, 'begun')),
    ],
    ['push', "await images.push('NAME', options)", (_, registry) => registry.asked.some((path) => path.endsWith('/uploads/'))],
    [
      'rmi',
      "await images.remove('NAME', true); await images.tag('none', 'x').catch(() => undefined); writeFileSync('PATH/begun', '')",
      (dir) => existsSync(join(dir, 'begun')),
    ],
  ])('in the midst of %s leaves the image whole, or gone', async (doing, does, reached) => {
    const dir = temporaryDir();
    const dataDir = join(dir, 'images');
    const registry = await fakeRegistry(new Map(), {});
    registry.intercept = (request) => request.method === 'POST';
    const name = `${registry.domain}/app:1`;
    writeFileSync(join(dir, 'image.tar'), await ociArchive(image, name));
    writeFileSync(join(dir, 'layer.tar'), more.layerTar);
    const steps = `await images.load(createReadStream('PATH/image.tar'), () => undefined);\n${does}`;
    const daemon = daemonThat(steps.replaceAll('PATH', dir).replaceAll('NAME', name), dataDir);
    const loaded = (): boolean => existsSync(join(dataDir, 'images.live.json'));
    await killWhen(() => loaded() && reached(dir, registry), daemon);
    const images = openImages({ dataDir });
    if (doing === 'rmi') {
      expect(await images.list()).toEqual([]);
      expect(leftIn(dataDir)).toEqual([]);
      return;
    }
    expect(await images.list()).toMatchObject([{ digest: image.manifestDigest, references: [name] }]);
    const hex = (digest: string): string => digest.slice(7);
    const layers = filesIn(join(dataDir, 'layers'));
    expect(leftIn(dataDir).sort()).toEqual([...[...image.blobs.keys()].map(hex), ...layers].sort());
    expect(layers).toHaveLength(1);
    const blob = await images.openBlob(layerDigest);
    blob?.stream.destroy();
    expect(blob?.sizeBytes).toBe(image.blobs.get(layerDigest)?.length);
  });
});
