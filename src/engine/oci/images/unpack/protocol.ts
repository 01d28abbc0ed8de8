/**
 * What an unpacking child is told and says, line by line. On LIFELINE_FD an order comes as JSON, then how
 * far the blob may be read: a number of bytes, at last END. The answer is JSON on stdout; then there
 * may be another order.
 */
export interface UnpackOrder {
  /** The blob's file; opened before the child shuts itself in. */
  readonly blobPath: string;
  /** The layer's directory, empty: becomes the child's root. */
  readonly root: string;
  readonly unpackedLayerBytes: number;
  readonly layerEntries: number;
  readonly freeDiskBytes: number;
}

export interface UnpackedLayer {
  /** Digest of the uncompressed tar. */
  readonly diffId: string;
  /** Content of regular files. */
  readonly sizeBytes: number;
  readonly entries: number;
}

export type UnpackReport =
  | { readonly kind: 'progress'; readonly readBytes: number }
  | { readonly kind: 'done'; readonly layer: UnpackedLayer }
  | { readonly kind: 'failed'; readonly code: 'corrupt' | 'no-space' | 'failed'; readonly message: string };

/** The child's end of a pipe that closes when its parent is gone. */
export const LIFELINE_FD = 3;

/** The blob ends where the last number said. */
export const END = 'end';
