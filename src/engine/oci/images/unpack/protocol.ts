/**
 * What the unpacking child is told (JSON in its only argument; the blob is its stdin, how far it may be
 * read comes as lines on LIFELINE_FD: a number of bytes, at last END) and says (JSON lines on stdout).
 */
export interface UnpackOrder {
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
