import { lstatSync, type Stats } from 'node:fs';
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
  const wanted = new Map(
    mounts.flatMap((wish) =>
      wish.kind === 'volume' && !wish.noCopy && mayHave(source.layerDirs, wish.target) ? [[wish.name, wish.target]] : [],
    ),
  );
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

/** False where no layer has the directory, which spares a process; behind a symlink, only that process knows. */
export function mayHave(layerDirs: readonly string[], target: string): boolean {
  let path = '';
  for (const part of target.split('/').filter((each) => each !== '')) {
    path += `/${part}`;
    const found = layerDirs.flatMap((dir) => statOf(`${dir}${path}`));
    if (found.some((stat) => stat.isSymbolicLink())) return true;
    if (!found.some((stat) => stat.isDirectory())) return false;
  }
  return true;
}

function statOf(path: string): Stats[] {
  try {
    return [lstatSync(path)];
  } catch {
    return [];
  }
}
