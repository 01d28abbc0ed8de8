import type { ImageDetails, ImageRef, PullOptions } from '../engine/port.ts';

/** Images between the nodes of an instance: what one of them has, the others need not ask a registry for. */
export interface ImageExchange {
  /**
   * As the store's, with the other nodes asked for each blob before the registry. The credentials are kept for ten
   * minutes, in memory, for nodes that are given a container of the image. @throws ImageError
   */
  pull(reference: string, options: Omit<PullOptions, 'sources'>): Promise<ImageDetails>;
  /** Makes an image that other nodes have usable here, too. @throws ImageError */
  bring(image: ImageRef, signal: AbortSignal): Promise<void>;
}
