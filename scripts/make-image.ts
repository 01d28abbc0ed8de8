/**
 * Makes a small busybox image without Docker: for the demo, the end-to-end tests and the benches.
 *
 *   node scripts/make-image.ts --output busybox.tar [--format docker|oci] [--tag busybox:1]
 *   node scripts/make-image.ts --push http://10.0.0.1:5000/busybox:1 [--with /bin/ping]
 *
 * The same busybox gives the same bytes, hence the same digests, every time.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { pushBlobs } from './push-image.ts';

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip';

/** What goes into a tar: tar-stream's header, and the file's content. */
export type TarEntry = Partial<Header> & { readonly name: string; readonly content?: string | Buffer };

export interface ImageParts {
  /** The uncompressed layer; its digest is the diff id. */
  readonly layerTar: Buffer;
  /** Blobs by digest: config, gzip layer, manifest. */
  readonly blobs: ReadonlyMap<string, Buffer>;
  readonly configDigest: string;
  readonly manifestDigest: string;
}

export interface ImageOptions {
  /** Merged over Docker's usual `config` member: Cmd, Env, Entrypoint, … */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly architecture?: string;
  readonly created?: string;
}

export const sha256 = (bytes: Uint8Array | string): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A busybox image of this machine's architecture. `extra` entries are added to the layer. */
export async function makeBusyboxImage(
  options: ImageOptions = {},
  extra: readonly TarEntry[] = [],
  busybox = '/bin/busybox',
): Promise<ImageParts> {
  const replaced = new Set(extra.map(({ name }) => name));
  const own = busyboxEntries(busybox).filter(({ name }) => !replaced.has(name));
  return makeImage(await packTar([...own, ...extra]), options);
}

/** An image of one layer, with OCI's media types. */
export function makeImage(layerTar: Buffer, options: ImageOptions = {}): ImageParts {
  const layer = gzipSync(layerTar, { level: 6 });
  const config = jsonBytes({
    created: options.created ?? '2026-01-01T00:00:00Z',
    architecture: options.architecture ?? goArchitecture(process.arch),
    os: 'linux',
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['sh'], ...options.config },
    rootfs: { type: 'layers', diff_ids: [sha256(layerTar)] },
    history: [{ created: options.created ?? '2026-01-01T00:00:00Z', created_by: 'make-image' }],
  });
  const manifest = jsonBytes({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: sha256(config), size: config.length },
    layers: [{ mediaType: LAYER_TYPE, digest: sha256(layer), size: layer.length }],
  });
  const blobs = new Map([config, layer, manifest].map((blob) => [sha256(blob), blob]));
  return { layerTar, blobs, configDigest: sha256(config), manifestDigest: sha256(manifest) };
}

/** As `docker save` of Docker 20 writes it: layer first, manifest.json last. */
export function dockerArchive(image: ImageParts, tags: readonly string[]): Promise<Buffer> {
  const layerId = sha256(image.layerTar).slice('sha256:'.length);
  const configName = `${image.configDigest.slice('sha256:'.length)}.json`;
  return packTar([
    { name: `${layerId}/`, type: 'directory', mode: 0o755 },
    { name: `${layerId}/VERSION`, content: '1.0' },
    { name: `${layerId}/layer.tar`, content: image.layerTar },
    { name: configName, content: image.blobs.get(image.configDigest) ?? '' },
    { name: 'manifest.json', content: JSON.stringify([{ Config: configName, RepoTags: tags, Layers: [`${layerId}/layer.tar`] }]) },
  ]);
}

/** An OCI image layout as a tar; `reference` goes where Docker looks for it. */
export function ociArchive(image: ImageParts, reference: string): Promise<Buffer> {
  const descriptor = {
    mediaType: MANIFEST_TYPE,
    digest: image.manifestDigest,
    size: image.blobs.get(image.manifestDigest)?.length,
    annotations: {
      'io.containerd.image.name': reference,
      'org.opencontainers.image.ref.name': reference.slice(reference.lastIndexOf(':') + 1),
    },
  };
  return packTar([
    ...[...image.blobs].map(([digest, content]) => ({ name: `blobs/${digest.replace(':', '/')}`, content })),
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests: [descriptor] }) },
  ]);
}

/** Pushes to `http://HOST[:PORT]/NAME:TAG`. */
export async function pushImage(image: ImageParts, url: string): Promise<void> {
  await pushBlobs(new URL(url), image.blobs, image.manifestDigest, MANIFEST_TYPE);
}

/** A tar of these entries, in order, owned by root and dated 1970 unless they say otherwise. */
export async function packTar(entries: readonly TarEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of entries) tar.entry({ mtime: new Date(0), uid: 0, gid: 0, ...header }, content ?? '');
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function busyboxEntries(busybox: string): TarEntry[] {
  const directory = (name: string, mode = 0o755): TarEntry => ({ name: `${name}/`, type: 'directory', mode });
  return [
    ...['bin', 'etc', 'home', 'root', 'usr', 'usr/bin', 'var'].map((name) => directory(name)),
    directory('tmp', 0o1777),
    { name: 'bin/busybox', mode: 0o755, content: readFileSync(busybox) },
    ...applets(busybox).map((applet): TarEntry => ({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox' })),
    { name: 'usr/bin/env', type: 'symlink', linkname: '../../bin/busybox' },
    {
      name: 'etc/passwd',
      mode: 0o644,
      content: 'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n',
    },
    { name: 'etc/group', mode: 0o644, content: 'root:x:0:\ndaemon:x:1:\nwheel:x:10:root\nnogroup:x:65534:\n' },
  ];
}

function applets(busybox: string): string[] {
  const list = spawnSync(busybox, ['--list'], { encoding: 'utf8' });
  if (list.status !== 0) throw new Error(`${busybox} --list failed: install busybox-static, or name a static busybox with --busybox`);
  return list.stdout.split('\n').filter((applet) => applet !== '' && applet !== 'busybox');
}

/** A program of this machine with the shared objects it needs, in the place of busybox's applet of that name. */
export function programEntries(programs: readonly string[]): TarEntry[] {
  const files = new Map<string, TarEntry>();
  for (const program of programs) {
    files.set(program, { name: `bin/${basename(program)}`, mode: 0o755, content: readFileSync(program) });
    const list = spawnSync('ldd', [program], { encoding: 'utf8' });
    if (list.status !== 0) throw new Error(`ldd ${program} failed: ${list.stderr.trim()}`);
    for (const [, path] of list.stdout.matchAll(/(\/\S+) \(0x/g)) {
      if (path !== undefined) files.set(path, { name: path.slice(1), mode: 0o755, content: readFileSync(path) });
    }
  }
  return [...files.values()];
}

function goArchitecture(arch: string): string {
  return arch === 'x64' ? 'amd64' : arch;
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      output: { type: 'string', short: 'o' },
      format: { type: 'string', default: 'docker' },
      tag: { type: 'string', default: 'busybox:latest' },
      push: { type: 'string' },
      busybox: { type: 'string', default: '/bin/busybox' },
      with: { type: 'string', multiple: true, default: [] },
    },
  });
  if (values.output === undefined && values.push === undefined)
    throw new Error('say where to: --output FILE or --push http://HOST:PORT/NAME:TAG');
  const image = await makeBusyboxImage({}, programEntries(values.with), values.busybox);
  if (values.output !== undefined) {
    const archive = values.format === 'oci' ? await ociArchive(image, values.tag) : await dockerArchive(image, [values.tag]);
    writeFileSync(values.output, archive);
  }
  if (values.push !== undefined) await pushImage(image, values.push);
  console.log(image.manifestDigest);
}

if (import.meta.main) await main();
