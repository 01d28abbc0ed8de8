import type { BlobStore } from './blob-store.ts';
import { type Descriptor, type ImageDocument, MEDIA_TYPES, parseConfiguration, parseDocument, type Platform } from './documents.ts';
import type { ImageRecord } from './image-records.ts';
import type { PinSet } from './pins.ts';

/** A manifest all of whose blobs are on this node. */
export interface HeldManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly content: Buffer;
  readonly platform: Platform;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface HeldDocuments {
  /** Undefined where the image is one manifest. */
  readonly index: { readonly mediaType: string; readonly content: Buffer } | undefined;
  readonly manifests: readonly HeldManifest[];
  /** Platforms that the index names and this node has not, or not whole. */
  readonly missing: readonly Platform[];
}

const UNKNOWN: Platform = { os: 'unknown', architecture: 'unknown', variant: '' };

/**
 * What this node has of an image, over all its platforms, some of which only another image here may name. All of it is
 * in `pins` before it is looked for: it doesn't go meanwhile. @throws ImageError where the disk damaged a document
 */
export async function documentsOf(record: ImageRecord, blobs: BlobStore, pins: PinSet): Promise<HeldDocuments> {
  pins.add(record.digest);
  const content = await blobs.read(record.digest);
  const document = parseDocument(content, `image ${record.digest}`);
  if (document.kind === 'manifest') {
    const own = await heldManifest(record.digest, blobs, pins);
    return { index: undefined, manifests: own === undefined ? [] : [own], missing: [] };
  }
  const manifests: HeldManifest[] = [];
  const missing: Platform[] = [];
  for (const { digest, platform } of document.entries) {
    const held = await heldManifest(digest, blobs, pins);
    if (held === undefined) missing.push(platform ?? UNKNOWN);
    else manifests.push({ ...held, platform: platform ?? held.platform });
  }
  return { index: { mediaType: typeOf(document), content }, manifests, missing };
}

/** Blobs here of those platforms of an image that its record does not name. @throws ImageError where the disk damaged a document */
export async function otherPlatforms(record: ImageRecord, blobs: BlobStore, pins: PinSet): Promise<string[]> {
  const { manifests } = await documentsOf(record, blobs, pins);
  const others = manifests.filter(({ digest }) => digest !== record.manifestDigest);
  return [...new Set(others.flatMap(({ digest, config, layers }) => [digest, config.digest, ...layers.map((layer) => layer.digest)]))];
}

/** Undefined where it is not here, or one of its blobs isn't. */
async function heldManifest(digest: string, blobs: BlobStore, pins: PinSet): Promise<HeldManifest | undefined> {
  pins.add(digest);
  if (!blobs.has(digest)) return undefined;
  const content = await blobs.read(digest);
  const document = parseDocument(content, `manifest ${digest}`);
  if (document.kind !== 'manifest') return undefined;
  const { config, layers } = document;
  for (const blob of [config, ...layers]) pins.add(blob.digest);
  if (![config, ...layers].every((blob) => blobs.has(blob.digest))) return undefined;
  return { digest, mediaType: typeOf(document), content, platform: await platformOf(config, blobs), config, layers };
}

/** Of an attestation's configuration nobody knows what it holds. */
async function platformOf(config: Descriptor, blobs: BlobStore): Promise<Platform> {
  try {
    const { os, architecture, variant } = parseConfiguration(await blobs.read(config.digest), `configuration ${config.digest}`);
    return { os, architecture, variant };
  } catch {
    return UNKNOWN;
  }
}

function typeOf({ kind, mediaType }: ImageDocument): string {
  if (mediaType !== '') return mediaType;
  return kind === 'index' ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.ociManifest;
}
