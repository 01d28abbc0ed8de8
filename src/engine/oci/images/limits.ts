/** Bounds on what a registry, a peer or an archive can make this node hold. Tests lower them. */
export interface ImageLimits {
  /** An index or a manifest. Registries refuse more than 4 MiB themselves. */
  readonly manifestBytes: number;
  /** An image's configuration. */
  readonly configBytes: number;
  /** Layers of one image; Docker's bound is 127, overlayfs takes 500. */
  readonly layersPerImage: number;
  /** One compressed layer. */
  readonly layerBlobBytes: number;
  /** One layer after decompression, tar headers included: ends decompression bombs. */
  readonly unpackedLayerBytes: number;
  /** Files, directories, links in one layer: ends inode bombs. */
  readonly layerEntries: number;
  /** Unpacking stops when the file system has less left than this, so that containers beside it can still write. */
  readonly freeDiskBytes: number;
  /** Entries in an archive given to load. */
  readonly archiveEntries: number;
  /** A sender of a blob that brings less than this in each slowestWindowMs is given up. */
  readonly slowestBytes: number;
  readonly slowestWindowMs: number;
  /** Before a source that broke off is asked again; so much more each time. */
  readonly retryMs: number;
  /** Blobs of one image downloaded at the same time. */
  readonly parallelDownloads: number;
  /** Layers unpacked at the same time, over all images; each is a process. One of them while it arrives. */
  readonly parallelUnpacks: number;
}

export const IMAGE_LIMITS: ImageLimits = {
  manifestBytes: 4 * 2 ** 20,
  configBytes: 8 * 2 ** 20,
  layersPerImage: 127,
  layerBlobBytes: 32 * 2 ** 30,
  unpackedLayerBytes: 64 * 2 ** 30,
  layerEntries: 2_000_000,
  freeDiskBytes: 32 * 2 ** 20,
  archiveEntries: 100_000,
  slowestBytes: 16 * 1024,
  slowestWindowMs: 60_000,
  retryMs: 1_000,
  parallelDownloads: 4,
  parallelUnpacks: 2,
};
