import { ImageError } from '../../port.ts';
import type { Rootfs } from '../rootfs-provider.ts';
import type { BlobStore } from './blob-store.ts';
import type { Platform } from './documents.ts';
import { readImageConfig } from './image-details.ts';
import type { ImageRecord } from './image-records.ts';
import type { LayerStore } from './layer-store.ts';
import { platformName, runsOn } from './platform.ts';
import { checkRunConfig } from './run-config.ts';

export interface Place {
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
  readonly platform: Platform;
}

/** What a container of this image is mounted from. @param what names the image in errors @throws ImageError no-platform, corrupt */
export async function readRootfs(record: ImageRecord, what: string, { blobs, layers, platform }: Place): Promise<Omit<Rootfs, 'release'>> {
  const configuration = await readImageConfig(blobs, record);
  if (!runsOn(configuration, platform))
    throw new ImageError(
      'no-platform',
      `${what} is for ${platformName(configuration)}, this node is ${platformName(platform)}: it can't run here`,
    );
  // overlayfs refuses a layer that occurs twice. The upper occurrence covers all that the lower one would show.
  const diffIds = new Set(record.layers.map(({ diffId }) => diffId).reverse());
  const layerDirs = [...diffIds].map((diffId) => layers.rootOf(diffId));
  return { imageId: record.configDigest, layerDirs, config: checkRunConfig(configuration.config, what) };
}
