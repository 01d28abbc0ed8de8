/**
 * The images in an archive, as digests of manifests whose blobs are then all in the store:
 *
 * - OCI image layout (skopeo, buildx, Docker from 25): index.json names them, their digests stay what
 *   they are at a registry;
 * - `docker save` before 25: manifest.json names a configuration and plain layer tars. It has no
 *   manifest digest, so one is made: the same archive gives the same digest on every node.
 */
import { ImageError } from '../../../port.ts';
import type { BlobStore, Received } from '../blob-store.ts';
import { isDigest } from '../digest.ts';
import { MEDIA_TYPES, parseConfiguration, parseDocument } from '../documents.ts';
import { layerTypeOf } from '../layer-type.ts';
import type { ImageLimits } from '../limits.ts';
import type { PinSet } from '../pins.ts';
import { formatReference, parseReference } from '../reference.ts';
import { storeDocument } from '../store-document.ts';
import type { ArchiveContents } from './archive-contents.ts';

export interface ArchivedImage {
  readonly digest: string;
  /** Normalised. */
  readonly references: readonly string[];
}

export interface ArchiveTarget {
  readonly blobs: BlobStore;
  readonly pins: PinSet;
  readonly limits: ImageLimits;
}

/** @throws ImageError */
export async function storeArchivedImages(contents: ArchiveContents, target: ArchiveTarget): Promise<ArchivedImage[]> {
  if (contents.find('oci-layout') !== undefined && contents.find('index.json') !== undefined) return storeLayout(contents, target);
  if (contents.find('manifest.json') !== undefined) return storeDockerArchive(contents, target);
  throw new ImageError('corrupt', 'this is no image archive: it has neither manifest.json (docker save) nor index.json (OCI layout)');
}

async function storeLayout(contents: ArchiveContents, target: ArchiveTarget): Promise<ArchivedImage[]> {
  const index = parseDocument(await contents.read('index.json', target.limits.manifestBytes), 'index.json in the archive');
  if (index.kind !== 'index') throw new ImageError('corrupt', 'index.json in the archive is no index');
  for (const name of contents.names()) {
    const digest = name.replace(/^blobs\/sha256\//, 'sha256:');
    const file = contents.find(name);
    if (file === undefined || !isDigest(digest)) continue;
    if (file.digest !== digest) throw new ImageError('corrupt', `${name} in the archive holds something else: ${file.digest}`);
    await adopt(file, target);
  }
  return index.entries
    .filter(({ annotations }) => annotations['vnd.docker.reference.type'] === undefined)
    .map(({ digest, annotations }) => ({ digest, references: referencesOf(annotations) }));
}

/** containerd's annotation is a full name; the OCI one may be a bare tag, which names nothing. */
function referencesOf(annotations: Readonly<Record<string, string>>): string[] {
  const name = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'] ?? '';
  return /[:/]/.test(name) ? [formatReference(parseReference(name))] : [];
}

async function storeDockerArchive(contents: ArchiveContents, target: ArchiveTarget): Promise<ArchivedImage[]> {
  const images: ArchivedImage[] = [];
  for (const { config, tags, layers } of parseArchiveManifest(await contents.read('manifest.json', target.limits.manifestBytes))) {
    const configBytes = await contents.read(config, target.limits.configBytes);
    const { diffIds } = parseConfiguration(configBytes, `${config} in the archive`);
    if (diffIds.length !== layers.length)
      throw new ImageError('corrupt', `the archive has ${layers.length} layers for an image of ${diffIds.length}`);
    const files = layers.map((name) => {
      const file = contents.find(name);
      if (file === undefined) throw new ImageError('corrupt', `the archive has no ${name}, which its manifest names`);
      return file;
    });
    const descriptors = [];
    for (const file of files) {
      await adopt(file, target);
      descriptors.push({
        mediaType: await layerTypeOf(target.blobs.pathOf(file.digest)),
        digest: file.digest,
        size: file.sizeBytes,
      });
    }
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: { mediaType: MEDIA_TYPES.ociConfig, digest: await storeDocument(configBytes, target), size: configBytes.length },
      layers: descriptors,
    };
    images.push({
      digest: await storeDocument(Buffer.from(JSON.stringify(manifest)), target),
      references: tags.map((tag) => formatReference(parseReference(tag))),
    });
  }
  return images;
}

interface ArchiveManifestEntry {
  readonly config: string;
  readonly tags: readonly string[];
  readonly layers: readonly string[];
}

function parseArchiveManifest(bytes: Buffer): ArchiveManifestEntry[] {
  let entries: unknown;
  try {
    entries = JSON.parse(bytes.toString());
  } catch {
    entries = undefined;
  }
  const texts = (value: unknown): value is string[] => Array.isArray(value) && value.every((text) => typeof text === 'string');
  return (Array.isArray(entries) ? entries : [undefined]).map((entry: unknown) => {
    const { Config, RepoTags, Layers } = (entry ?? {}) as { Config?: unknown; RepoTags?: unknown; Layers?: unknown };
    if (typeof Config !== 'string' || !texts(Layers))
      throw new ImageError('corrupt', 'manifest.json in the archive does not list images as docker save does');
    return { config: Config, layers: Layers, tags: texts(RepoTags) ? RepoTags : [] };
  });
}

async function adopt(file: Received, { blobs, pins }: ArchiveTarget): Promise<void> {
  pins.add(file.digest);
  await blobs.adopt(file);
}
