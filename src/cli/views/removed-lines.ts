import type { ImageDeleteItem } from '../../docker-api/types.ts';

/** What was removed of images, a line each, as Docker's `image prune` prints it. */
export function removedLines(items: readonly ImageDeleteItem[]): string[] {
  return items.map(({ Untagged, Deleted }) => (Untagged === undefined ? `deleted: ${Deleted ?? ''}` : `untagged: ${Untagged}`));
}
