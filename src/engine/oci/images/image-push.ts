/**
 * Sends an image to a registry as it is here: compressed layers first, each only where the registry
 * has it not, then configurations, manifests, and last what the tag is to name. So a push that breaks
 * off leaves the tag as it was.
 */
import { ImageError, type PullProgress } from '../../port.ts';
import type { BlobStore } from './blob-store.ts';
import { shortDigest } from './digest.ts';
import { documentsOf, type HeldManifest } from './held-manifests.ts';
import type { ImageRecord } from './image-records.ts';
import { describePlatforms, platformName } from './platform.ts';
import type { PinSet } from './pins.ts';
import type { RepositoryWriter } from './registry/repository-writer.ts';
import { Slots } from './slots.ts';

export interface Push {
  readonly record: ImageRecord;
  readonly blobs: BlobStore;
  /** Hold what is sent until it is. */
  readonly pins: PinSet;
  readonly to: RepositoryWriter;
  readonly tag: string;
  /** As people see it in progress lines: `docker.io/library/app`. */
  readonly repository: string;
  /** Other repositories of the same registry that have this blob, as far as is known here. */
  readonly mountableFrom: (blobDigest: string) => readonly string[];
  readonly onProgress: (progress: PullProgress) => void;
  readonly signal: AbortSignal;
}

/** As Docker has it. */
const PARALLEL_UPLOADS = 5;
const MOUNT_ATTEMPTS = 3;
const PROGRESS_EVERY_BYTES = 512 * 1024;

/** @returns digest and size of what the tag names now @throws ImageError */
export async function pushImage(push: Push): Promise<{ readonly digest: string; readonly sizeBytes: number }> {
  const { record, blobs, to, tag, repository, signal, onProgress } = push;
  onProgress({ status: `The push refers to repository [${repository}]`, id: '' });
  const { index, manifests, missing } = await documentsOf(record, blobs, push.pins);
  const sent = missing.length === 0 ? manifests : manifests.filter(({ digest }) => digest === record.manifestDigest);
  await pushLayers(push, sent);
  for (const { config } of sent) await ensureBlob(push, config.digest, config.sizeBytes, () => undefined);
  if (index === undefined || missing.length > 0) {
    const [own] = sent;
    if (own === undefined) throw new ImageError('corrupt', `the manifest of ${repository}:${tag} is not on this node: pull it again`);
    if (missing.length > 0) {
      const status = `Only ${platformName(own.platform)} is pushed: this node has not all that the image's index names (missing: ${describePlatforms(missing)})`;
      onProgress({ status, id: '' });
    }
    await to.putManifest(tag, own.mediaType, own.content, signal);
    return announce(push, own.digest, own.content.length);
  }
  for (const { digest, mediaType, content } of sent) await to.putManifest(digest, mediaType, content, signal);
  await to.putManifest(tag, index.mediaType, index.content, signal);
  return announce(push, record.digest, index.content.length);
}

function announce({ tag, onProgress }: Push, digest: string, sizeBytes: number): { readonly digest: string; readonly sizeBytes: number } {
  onProgress({ status: `${tag}: digest: ${digest} size: ${sizeBytes}`, id: '' });
  return { digest, sizeBytes };
}

async function pushLayers(push: Push, manifests: readonly HeldManifest[]): Promise<void> {
  const { signal, onProgress } = push;
  const layers = new Map(manifests.flatMap(({ layers: all }) => all).map((layer) => [layer.digest, layer]));
  const failed = new AbortController();
  const together = AbortSignal.any([signal, failed.signal]);
  const slots = new Slots(PARALLEL_UPLOADS);
  const idOf = (digest: string): string => shortDigest(push.record.layers.find((layer) => layer.digest === digest)?.diffId ?? digest);
  for (const { digest } of layers.values()) onProgress({ status: 'Preparing', id: idOf(digest) });
  const waiting = [...layers.keys()].slice(PARALLEL_UPLOADS);
  for (const digest of waiting) onProgress({ status: 'Waiting', id: idOf(digest) });
  const results = await Promise.allSettled(
    [...layers.values()].map(async ({ digest, sizeBytes }) => {
      try {
        await slots.run(together, () =>
          ensureBlob({ ...push, signal: together }, digest, sizeBytes, (status, currentBytes) =>
            onProgress({ status, id: idOf(digest), ...(currentBytes !== undefined && { currentBytes, totalBytes: sizeBytes }) }),
          ),
        );
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    }),
  );
  signal.throwIfAborted();
  if (results.some(({ status }) => status === 'rejected')) throw failed.signal.reason as Error;
}

async function ensureBlob(
  { to, blobs, signal, mountableFrom }: Push,
  digest: string,
  sizeBytes: number,
  say: (status: string, currentBytes?: number) => void,
): Promise<void> {
  if (await to.has(digest, signal)) return say('Layer already exists');
  for (const from of mountableFrom(digest).slice(0, MOUNT_ATTEMPTS)) {
    if (await to.mount(digest, from, signal)) return say(`Mounted from ${from}`);
  }
  const open: Parameters<RepositoryWriter['upload']>[0]['open'] = async (fromByte) => {
    const blob = await blobs.open(digest, fromByte);
    if (blob === undefined) throw new ImageError('corrupt', `blob ${digest} is gone from this node's disk: pull the image again`);
    return blob.stream;
  };
  let next = 0;
  say('Pushing', 0);
  await to.upload({ digest, sizeBytes, open }, signal, (bytes) => {
    if (bytes < next && bytes < sizeBytes) return;
    next = bytes + PROGRESS_EVERY_BYTES;
    say('Pushing', bytes);
  });
  say('Pushed');
}
