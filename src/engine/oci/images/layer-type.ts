import { open } from 'node:fs/promises';
import { type Compression, compressionOf } from './compression.ts';
import { MEDIA_TYPES } from './documents.ts';

/** The media type that tells the truth about a layer blob: a registry may be given it later. */
export async function layerTypeOf(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return LAYER_TYPES[compressionOf(buffer.subarray(0, bytesRead))];
  } finally {
    await file.close();
  }
}

const LAYER_TYPES: Readonly<Record<Compression, string>> = {
  none: MEDIA_TYPES.ociLayer,
  gzip: MEDIA_TYPES.ociLayerGzip,
  zstd: MEDIA_TYPES.ociLayerZstd,
};
