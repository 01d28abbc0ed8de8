import type { ImageDetails } from '../../port.ts';
import type { BlobStore } from './blob-store.ts';
import { type ImageConfiguration, parseConfiguration, parseDocument } from './documents.ts';
import type { ImageRecord, ImageRecords } from './image-records.ts';
import type { LayerStore } from './layer-store.ts';

/** What an image's documents say never changes: read once per record. */
const facts = new WeakMap<ImageRecord, Facts>();

type Facts = Omit<ImageDetails, 'references' | 'published'>;

/** @throws ImageError where the disk lost or damaged a document */
export async function describeImage(
  record: ImageRecord,
  records: ImageRecords,
  blobs: BlobStore,
  layers: LayerStore,
): Promise<ImageDetails> {
  let known = facts.get(record);
  if (known === undefined) {
    known = await readFacts(record, blobs, layers);
    facts.set(record, known);
  }
  const published = records.publishedOf(record.digest);
  return { ...known, references: records.referencesOf(record.digest), ...(published.length === 0 ? {} : { published }) };
}

export async function readImageConfig(blobs: BlobStore, { configDigest }: ImageRecord): Promise<ImageConfiguration> {
  return parseConfiguration(await blobs.read(configDigest), `configuration ${configDigest}`);
}

async function readFacts(record: ImageRecord, blobs: BlobStore, layers: LayerStore): Promise<Facts> {
  const configuration = await readImageConfig(blobs, record);
  const { architecture, os, variant, author, createdAtMs, config, diffIds, history } = configuration;
  const layerBytes = record.layers.map(({ diffId }) => layers.sizeOf(diffId));
  const sizeBytes = layerBytes.reduce((sum, bytes) => sum + bytes, 0);
  const arches = await readArches(record, blobs, architecture);
  return {
    id: record.configDigest,
    digest: record.digest,
    createdAtMs,
    sizeBytes,
    labels: labelsOf(config['Labels']),
    architecture,
    os,
    variant,
    author,
    layers: diffIds,
    layerBytes,
    config,
    history,
    arches,
  };
}

async function readArches(record: ImageRecord, blobs: BlobStore, own: string): Promise<string[]> {
  if (record.manifestDigest === record.digest) return [own];
  const index = parseDocument(await blobs.read(record.digest), `index ${record.digest}`);
  if (index.kind !== 'index') return [own];
  const named = index.entries.map(({ platform }) => platform?.architecture ?? '').filter((arch) => arch !== '' && arch !== 'unknown');
  return [...new Set(named)];
}

function labelsOf(labels: unknown): Record<string, string> {
  if (typeof labels !== 'object' || labels === null) return {};
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, String(value)]));
}
