/**
 * The JSON documents of an image, read with suspicion: they come from the network. Shapes: OCI image
 * spec 1.1 (index, manifest, configuration) and Docker's v2 schema 2, which differ in media types only.
 */
import { ImageError } from '../../port.ts';
import { isDigest } from './digest.ts';

/** As Go names them: linux, amd64, v7. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** Empty: the architecture's base line. */
  readonly variant: string;
}

export const MEDIA_TYPES = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
} as const;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly platform: Platform | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

/** `mediaType` as the document gives it itself; '' where it doesn't. */
export type ImageDocument = { readonly mediaType: string } & (
  | { readonly kind: 'index'; readonly entries: readonly Descriptor[] }
  | { readonly kind: 'manifest'; readonly config: Descriptor; readonly layers: readonly Descriptor[] }
);

/** Whether documents of this kind may go by this media type. */
export function isManifestType(mediaType: string, kind: ImageDocument['kind']): boolean {
  const types: readonly string[] =
    kind === 'index' ? [MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerList] : [MEDIA_TYPES.ociManifest, MEDIA_TYPES.dockerManifest];
  return types.includes(mediaType);
}

interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

export interface ImageConfiguration extends Platform {
  readonly author: string;
  /** 0 where the image doesn't say. */
  readonly createdAtMs: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly diffIds: readonly string[];
  readonly history: readonly HistoryEntry[];
}

type Fields = Readonly<Record<string, unknown>>;

/** An index or a manifest. @param what names it in errors @throws ImageError corrupt */
export function parseDocument(bytes: Uint8Array, what: string): ImageDocument {
  const fields = parseObject(bytes, what);
  if (fields['schemaVersion'] !== 2) {
    throw corrupt(
      what,
      `its schemaVersion is ${JSON.stringify(fields['schemaVersion'])}, only 2 is supported; push the image again with a current tool`,
    );
  }
  const mediaType = textOf(fields['mediaType']);
  const kind = Array.isArray(fields['manifests']) ? 'index' : 'manifest';
  // What reads as one thing here and as another elsewhere is a trick (OCI image spec, "manifest confusion").
  if (mediaType !== '' && !isManifestType(mediaType, kind))
    throw corrupt(what, `it calls itself ${JSON.stringify(mediaType.slice(0, 100))}, which it is not`);
  if (kind === 'index') {
    if (fields['layers'] !== undefined) throw corrupt(what, 'it is both an index and a manifest');
    return { kind, mediaType, entries: (fields['manifests'] as unknown[]).map((entry) => parseDescriptor(entry, what)) };
  }
  if (!Array.isArray(fields['layers'])) throw corrupt(what, 'it is neither an image index nor an image manifest');
  return {
    kind,
    mediaType,
    config: parseDescriptor(fields['config'], what),
    layers: fields['layers'].map((layer) => parseDescriptor(layer, what)),
  };
}

/** @throws ImageError corrupt */
export function parseConfiguration(bytes: Uint8Array, what: string): ImageConfiguration {
  const fields = parseObject(bytes, what);
  const rootfs = objectOf(fields['rootfs']);
  const diffIds = rootfs['diff_ids'];
  if (!Array.isArray(diffIds) || !diffIds.every((id): id is string => typeof id === 'string' && isDigest(id))) {
    throw corrupt(what, 'its rootfs.diff_ids is no list of digests: is it an image that containers can run?');
  }
  const createdAtMs = Date.parse(textOf(fields['created']));
  return {
    os: textOf(fields['os']),
    architecture: textOf(fields['architecture']),
    variant: textOf(fields['variant']),
    author: textOf(fields['author']),
    createdAtMs: Number.isNaN(createdAtMs) ? 0 : createdAtMs,
    config: objectOf(fields['config']),
    diffIds,
    history: (Array.isArray(fields['history']) ? fields['history'] : []).map((entry) => objectOf(entry) as HistoryEntry),
  };
}

/** @throws ImageError corrupt */
export function parseObject(bytes: Uint8Array, what: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw corrupt(what, 'it is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw corrupt(what, 'it is no JSON object');
  return value as Fields;
}

function parseDescriptor(value: unknown, what: string): Descriptor {
  const fields = objectOf(value);
  const digest = textOf(fields['digest']);
  const size = fields['size'];
  if (!isDigest(digest)) throw corrupt(what, `it names ${JSON.stringify(digest)} where a digest must be`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw corrupt(what, `it gives no size for ${digest}`);
  return {
    mediaType: textOf(fields['mediaType']),
    digest,
    sizeBytes: size,
    platform: parsePlatform(fields['platform']),
    annotations: textsOf(fields['annotations']),
  };
}

function parsePlatform(value: unknown): Platform | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = objectOf(value);
  return { os: textOf(fields['os']), architecture: textOf(fields['architecture']), variant: textOf(fields['variant']) };
}

function objectOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(objectOf(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function corrupt(what: string, why: string): ImageError {
  return new ImageError('corrupt', `${what} can't be used: ${why}`);
}
