import type { ImageRemoval, ImageSummary, PruneOptions } from '../../port.ts';
import { removeImage } from './image-removal.ts';
import type { ImageRecords } from './image-records.ts';

/**
 * Docker's `image prune` on the records: what no reference points to, or with `all` whatever no
 * container uses. What a pull or a start is about to use stays too.
 */
export function pruneImages(
  records: ImageRecords,
  images: readonly ImageSummary[],
  options: PruneOptions,
  usersOf: (digest: string) => readonly string[],
): readonly ImageRemoval[] {
  return images
    .filter(({ digest }) => options.all || records.referencesOf(digest).length === 0)
    .filter(({ createdAtMs }) => options.untilMs === undefined || createdAtMs < options.untilMs)
    .filter(({ digest, labels }) => usersOf(digest).length === 0 && options.isMeant(labels) && records.get(digest) !== undefined)
    .flatMap(({ digest }) => removeImage(records, digest, true, usersOf));
}
