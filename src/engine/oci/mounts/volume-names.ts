import type { MountWish } from '../../port.ts';

/** The volumes among what a container has mounted. */
export function volumeNames(mounts: readonly MountWish[] = []): string[] {
  return mounts.flatMap((wish) => (wish.kind === 'volume' ? [wish.name] : []));
}
