/**
 * Images made here: of a root file system (import), or of an image and what a container changed
 * (commit). The layer is kept as it comes if it is compressed, else gzipped, which every registry and
 * every Docker reads; what is made has OCI's media types.
 */
import { addAbortSignal, pipeline, type Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import { ImageError, type NewImage } from '../../port.ts';
import type { BlobStore } from './blob-store.ts';
import { peeked } from './compression.ts';
import { MEDIA_TYPES, parseObject, type Platform } from './documents.ts';
import type { ImageRecord, LayerRecord } from './image-records.ts';
import type { LayerStore } from './layer-store.ts';
import { layerTypeOf } from './layer-type.ts';
import type { ImageLimits } from './limits.ts';
import type { PinSet } from './pins.ts';
import { storeDocument } from './store-document.ts';

export interface Making {
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
  readonly limits: ImageLimits;
  readonly pins: PinSet;
  readonly signal: AbortSignal;
}

export type Make = (making: Making) => Promise<ImageRecord>;

/** @throws ImageError */
export async function importImage(root: Readable, image: NewImage, platform: Platform, making: Making): Promise<ImageRecord> {
  const layer = await takeLayer(root, 'the archive to import', making);
  const created = new Date().toISOString();
  const history = [{ created, comment: image.comment }];
  return makeImage({ ...platformFields(platform), created, history }, image, [layer], making);
}

/** @throws ImageError */
export async function commitImage(base: ImageRecord, changes: Readable, image: NewImage, making: Making): Promise<ImageRecord> {
  const { blobs, layers, pins } = making;
  for (const digest of [base.configDigest, ...base.layers.flatMap((layer) => [layer.digest, layer.diffId])]) pins.add(digest);
  const fields = parseObject(await blobs.read(base.configDigest), `configuration ${base.configDigest}`);
  const layer = await takeLayer(changes, "the container's changes", making);
  const isEmpty = layers.entriesOf(layer.diffId) === 0;
  const created = new Date().toISOString();
  const step = {
    created,
    created_by: image.createdBy ?? wordsOf(image.config['Cmd']).join(' '),
    ...(image.author !== '' && { author: image.author }),
    ...(image.comment !== '' && { comment: image.comment }),
    ...(isEmpty && { empty_layer: true }),
  };
  const history = [...(Array.isArray(fields['history']) ? (fields['history'] as unknown[]) : []), step];
  return makeImage({ ...fields, created, history }, image, [...base.layers, ...(isEmpty ? [] : [layer])], making);
}

async function makeImage(
  fields: Readonly<Record<string, unknown>>,
  image: NewImage,
  layers: readonly LayerRecord[],
  making: Making,
): Promise<ImageRecord> {
  const { blobs, limits } = making;
  if (layers.length > limits.layersPerImage)
    throw new ImageError(
      'failed',
      `the image would have ${layers.length} layers, more than ${limits.layersPerImage}: start from an image with fewer`,
    );
  const config = jsonBytes({
    ...fields,
    author: image.author,
    config: image.config,
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const configDigest = await storeDocument(config, making);
  const descriptors = await Promise.all(
    layers.map(async ({ digest }) => ({
      mediaType: await layerTypeOf(blobs.pathOf(digest)),
      digest,
      size: blobs.sizeOf(digest),
    })),
  );
  const manifest = jsonBytes({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: { mediaType: MEDIA_TYPES.ociConfig, digest: configDigest, size: config.length },
    layers: descriptors,
  });
  const digest = await storeDocument(manifest, making);
  return { digest, manifestDigest: digest, configDigest, layers };
}

/** The tar as a blob and as an unpacked layer. */
async function takeLayer(tar: Readable, what: string, { blobs, layers, limits, pins, signal }: Making): Promise<LayerRecord> {
  const content = await peeked(addAbortSignal(signal, tar));
  const stored =
    content.compression === 'none'
      ? pipeline(content.stream, createGzip({ level: constants.Z_BEST_SPEED }), () => undefined)
      : content.stream;
  const received = await blobs.receive(stored, limits.layerBlobBytes, what, signal);
  pins.add(received.digest);
  await blobs.adopt(received);
  const source = {
    diffId: undefined,
    blobDigest: received.digest,
    blobPath: blobs.pathOf(received.digest),
    onDiffId: (known: string): void => pins.add(known),
  };
  const { diffId } = await layers.unpack(source, signal, () => undefined);
  return { digest: received.digest, diffId };
}

function platformFields({ os, architecture, variant }: Platform): Readonly<Record<string, unknown>> {
  return { architecture, os, ...(variant !== '' && { variant }) };
}

function wordsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((word): word is string => typeof word === 'string') : [];
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
