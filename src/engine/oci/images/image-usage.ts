import type { ImageUsage } from '../../port.ts';
import type { ImageRecords } from './image-records.ts';
import type { LayerStore } from './layer-store.ts';

/** What images take of the disk, unpacked. @param containersOf how many containers use an image */
export function usageOf(records: ImageRecords, layers: LayerStore, containersOf: (digest: string) => number): ImageUsage {
  const bytes = new Map<string, number>();
  const owners = new Map<string, number>();
  const all = records.all();
  for (const { layers: own } of all) {
    for (const diffId of new Set(own.map((layer) => layer.diffId))) {
      if (!bytes.has(diffId)) bytes.set(diffId, layers.sizeOf(diffId));
      owners.set(diffId, (owners.get(diffId) ?? 0) + 1);
    }
  }
  const sharedOf = (diffIds: ReadonlySet<string>): number =>
    [...diffIds].reduce((sum, diffId) => sum + ((owners.get(diffId) ?? 0) > 1 ? (bytes.get(diffId) ?? 0) : 0), 0);
  return {
    layersBytes: [...bytes.values()].reduce((sum, each) => sum + each, 0),
    images: Object.fromEntries(
      all.map(({ digest, layers: own }) => [
        digest,
        { sharedBytes: sharedOf(new Set(own.map(({ diffId }) => diffId))), containers: containersOf(digest) },
      ]),
    ),
  };
}
