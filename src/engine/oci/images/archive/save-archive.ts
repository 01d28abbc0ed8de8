/**
 * Images as one archive that everybody reads: an OCI image layout (index.json, blobs/), so digests
 * survive, with `docker save`'s manifest.json and `repositories` beside it, whose layers are those same
 * blobs, compressed as they are here. Docker unpacks gzip layers of an archive since 1.10, zstd since 23.
 */
import { Readable } from 'node:stream';
import { ImageError } from '../../../port.ts';
import type { BlobStore } from '../blob-store.ts';
import { hexOf } from '../digest.ts';
import { MEDIA_TYPES } from '../documents.ts';
import { documentsOf } from '../held-manifests.ts';
import type { ImageRecord } from '../image-records.ts';
import type { PinSet } from '../pins.ts';
import { familiarReference, type Reference, formatReference } from '../reference.ts';
import { tarEnd, tarHeader, tarPadding } from './tar-block.ts';

export interface SavedImage {
  readonly record: ImageRecord;
  /** Names it gets in the archive; tags only. */
  readonly references: readonly Reference[];
}

/** The order is Docker's: blobs, then what names them. @param pins hold what is read until it is closed @throws ImageError before the stream */
export async function saveArchive(images: readonly SavedImage[], blobs: BlobStore, pins: PinSet, signal: AbortSignal): Promise<Readable> {
  const names = new Set<string>();
  const entries: Entry[] = [];
  const index = [];
  for (const { record, references } of images) {
    const { index: own, manifests } = await documentsOf(record, blobs, pins);
    const mine = manifests.find(({ digest }) => digest === record.manifestDigest);
    if (mine === undefined) throw new ImageError('corrupt', `${record.digest} is not whole on this node's disk: pull it again`);
    const top = own ?? mine;
    for (const { digest, config, layers } of manifests)
      for (const name of [digest, config.digest, ...layers.map((layer) => layer.digest)]) names.add(name);
    names.add(record.digest);
    const descriptor = { mediaType: top.mediaType, digest: record.digest, size: top.content.length };
    if (references.length === 0) index.push(descriptor);
    for (const reference of references) index.push({ ...descriptor, annotations: annotationsOf(reference) });
    entries.push({
      Config: pathOf(record.configDigest),
      RepoTags: references.length === 0 ? null : references.map(familiarReference),
      Layers: record.layers.map(({ digest }) => pathOf(digest)),
    });
  }
  const bytes = archiveOf([...names], blobs, { index, entries, repositories: repositoriesOf(images) });
  return Readable.from(bytes, { objectMode: false, signal });
}

interface Entry {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

interface Listing {
  readonly index: readonly unknown[];
  readonly entries: readonly Entry[];
  readonly repositories: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

async function* archiveOf(digests: readonly string[], blobs: BlobStore, listing: Listing): AsyncGenerator<Buffer> {
  yield tarHeader({ name: 'blobs/', sizeBytes: 0 });
  yield tarHeader({ name: 'blobs/sha256/', sizeBytes: 0 });
  for (const digest of digests) {
    const blob = await blobs.open(digest);
    if (blob === undefined) throw new ImageError('corrupt', `blob ${digest} is gone from this node's disk: pull the image again`);
    yield tarHeader({ name: pathOf(digest), sizeBytes: blob.sizeBytes });
    yield* blob.stream as AsyncIterable<Buffer>;
    yield tarPadding(blob.sizeBytes);
  }
  yield* document('index.json', { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: listing.index });
  yield* document('manifest.json', listing.entries);
  yield* document('oci-layout', { imageLayoutVersion: '1.0.0' });
  if (Object.keys(listing.repositories).length > 0) yield* document('repositories', listing.repositories);
  yield tarEnd();
}

function* document(name: string, value: unknown): Generator<Buffer> {
  const content = Buffer.from(JSON.stringify(value));
  yield tarHeader({ name, sizeBytes: content.length });
  yield content;
  yield tarPadding(content.length);
}

/** As containerd and Docker from 25 on look for them. */
function annotationsOf(reference: Reference): Readonly<Record<string, string>> {
  return {
    'io.containerd.image.name': formatReference(reference),
    'org.opencontainers.image.ref.name': reference.tag ?? '',
  };
}

/** The oldest of the formats: repository, tag, topmost layer. */
function repositoriesOf(images: readonly SavedImage[]): Record<string, Record<string, string>> {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { record, references } of images) {
    const top = hexOf(record.layers.at(-1)?.digest ?? record.configDigest);
    for (const reference of references) {
      const { tag = '' } = reference;
      const name = familiarReference(reference).slice(0, -`:${tag}`.length);
      repositories[name] = { ...repositories[name], [tag]: top };
    }
  }
  return repositories;
}

function pathOf(digest: string): string {
  return `blobs/sha256/${hexOf(digest)}`;
}
