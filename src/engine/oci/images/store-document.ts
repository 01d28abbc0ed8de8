import type { BlobStore } from './blob-store.ts';
import { sha256Digest } from './digest.ts';
import type { PinSet } from './pins.ts';

export interface DocumentStore {
  readonly blobs: Pick<BlobStore, 'put'>;
  readonly pins: PinSet;
}

/** Makes a configuration or manifest a blob that garbage collection spares: pinned first, as it may run when the file has just got its name. @throws ImageError */
export function storeDocument(content: Buffer, { blobs, pins }: DocumentStore): Promise<string> {
  pins.add(sha256Digest(content));
  return blobs.put(content);
}
