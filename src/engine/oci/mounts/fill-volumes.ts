import type { MountWish } from '../../port.ts';
import { FilesChild } from '../files/run-files-child.ts';
import type { OciVolumes } from '../volumes/oci-volumes.ts';

export interface FillSource {
  readonly layerDirs: readonly string[];
  /** A directory of the container's own, to mount the layers on for a moment, unseen by others. */
  readonly at: string;
  readonly signal: AbortSignal;
}

/**
 * New, empty volumes get what the image has where they are to be mounted, with owners and modes, as Docker's do. A
 * volume that has something in it stays as it is. @throws EngineError
 */
export async function fillVolumes(mounts: readonly MountWish[], volumes: OciVolumes, source: FillSource): Promise<void> {
  const wanted = new Map(mounts.flatMap((wish) => (wish.kind === 'volume' && !wish.noCopy ? [[wish.name, wish.target]] : [])));
  if (wanted.size === 0) return;
  await volumes.fillEmpty([...wanted.keys()], async (empty) => {
    const at = (index: number): string => `/.caravela-volume-${index}`;
    const child = new FilesChild(
      {
        jail: {
          kind: 'merged',
          lowerDirs: source.layerDirs,
          writeTo: undefined,
          at: source.at,
          readOnly: false,
          mounts: empty.map((name, index) => ({ source: volumes.dataPath(name), target: at(index), readOnly: false })),
        },
        task: { kind: 'fill', copies: empty.map((name, index) => ({ from: wanted.get(name) ?? '/', to: at(index) })) },
      },
      { signal: source.signal },
    );
    await child.done();
  });
}
