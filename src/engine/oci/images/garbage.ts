import { hasCode } from '../../../linux/system-error.ts';
import type { BlobStore } from './blob-store.ts';
import { imageFailure } from './failure.ts';
import { digestsOf, type ImageRecords } from './image-records.ts';
import type { LayerStore } from './layer-store.ts';
import type { Pins } from './pins.ts';

export interface Store {
  readonly records: ImageRecords;
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
  readonly pins: Pins;
  readonly log: (message: string) => void;
}

/**
 * Removes what no image needs and nothing under way has pinned. Synchronous as far as names go, so
 * nothing can begin to use what is being removed. What fails here is left to the next time.
 */
export function collectGarbage({ records, blobs, layers, pins, log }: Store): void {
  const left = (error: unknown): void => log(`removing what no image uses: ${String(error)}; it is tried again later`);
  const used = new Set(records.all().flatMap(digestsOf));
  const isGarbage = (digest: string): boolean => !used.has(digest) && !pins.has(digest);
  try {
    blobs.sweep(Date.now());
    for (const digest of blobs.digests().filter(isGarbage)) blobs.remove(digest);
    for (const diffId of layers.diffIds().filter(isGarbage)) layers.remove(diffId).catch(left);
  } catch (error) {
    left(error);
  }
}

/**
 * Writes down that images went, then removes what was theirs. A disk too full for the writing gets its room by the
 * removing: that comes first then, and a start in between would find images without content, and drop them.
 * @throws ImageError
 */
export async function completeRemoval(store: Store): Promise<void> {
  try {
    await store.records.saveRemoval();
  } catch (error) {
    if (!hasCode(error, 'ENOSPC', 'EDQUOT')) throw imageFailure(error, 'removing images');
    collectGarbage(store);
    await store.records.saveRemoval().catch((again: unknown) => {
      throw imageFailure(again, 'removing images');
    });
  }
  collectGarbage(store);
}
