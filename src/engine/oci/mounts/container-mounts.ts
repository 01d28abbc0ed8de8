import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { ContainerId } from '../../../core/model/index.ts';
import type { ContainerSpec, MountWish } from '../../port.ts';
import type { OciImageConfig } from '../rootfs-provider.ts';

/** What an image may ask for: each is a directory of the host's. */
const MOST_IMAGE_VOLUMES = 64;

/** What is mounted into a container made of this image: what was asked for, and a new volume for each other `VOLUME` of it. */
export function containerMounts(id: ContainerId, spec: Pick<ContainerSpec, 'mounts'>, image: OciImageConfig): readonly MountWish[] {
  const asked = spec.mounts ?? [];
  const taken = new Set(asked.map(({ target }) => cleanTarget(target)));
  const more = Object.keys(image.Volumes ?? {})
    .map(cleanTarget)
    .filter((target) => target !== '/' && !taken.has(target));
  const made = [...new Set(more)].slice(0, MOST_IMAGE_VOLUMES).map(
    (target): MountWish => ({
      kind: 'volume',
      target,
      readOnly: false,
      // The same each time: a create that is repeated after a crash makes no second one.
      name: createHash('sha256').update(`${id} ${target}`).digest('hex'),
      anonymous: true,
      noCopy: false,
      labels: {},
    }),
  );
  return [...asked.map((wish) => ({ ...wish, target: cleanTarget(wish.target) })), ...made];
}

/** Absolute and normal: `/data` for `data/`, `/a/../data`. */
function cleanTarget(target: string): string {
  const path = posix.normalize(`/${target}`);
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
