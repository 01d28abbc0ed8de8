import type { MountWish } from '../../port.ts';

/** What of the host is to be seen in a container: its bind mounts and volumes. */
export interface HostMount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** In the order to mount them in: what is mounted in another comes after it. */
export function hostMounts(wishes: readonly MountWish[], volumePath: (name: string) => string): HostMount[] {
  return inOrder(wishes).flatMap((wish): HostMount[] => {
    const { target, readOnly } = wish;
    if (wish.kind === 'tmpfs') return [];
    return [{ source: wish.kind === 'bind' ? wish.source : volumePath(wish.name), target, readOnly }];
  });
}

/** By depth, as Docker does; else as they were asked for. */
export function inOrder<T extends { readonly target: string }>(mounts: readonly T[]): T[] {
  return [...mounts].sort((a, b) => depthOf(a.target) - depthOf(b.target));
}

const depthOf = (path: string): number => path.split('/').filter((part) => part !== '').length;
