import type { MountWish } from '../../port.ts';

/** The volumes among what a container has mounted. */
export function volumeNames(mounts: readonly MountWish[] = []): string[] {
  return mounts.flatMap((wish) => (wish.kind === 'volume' ? [wish.name] : []));
}

/** Those of them that nobody named: they go with the container where that is asked for. */
export function anonymousVolumes(mounts: readonly MountWish[] = []): string[] {
  return volumeNames(mounts.filter((wish) => wish.kind === 'volume' && wish.anonymous));
}
