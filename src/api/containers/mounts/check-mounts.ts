import type { AskedMounts, MountWish } from '../../../engine/port.ts';
import { ApiError } from '../../http/api-error.ts';
import { API_LIMITS } from '../../limits.ts';
import type { CreateBody } from '../create-body.ts';
import { parseBind, targetOf, volumeOf } from './parse-binds.ts';
import { parseMount, refuseDriver } from './parse-mount.ts';
import { parseTmpfs } from './parse-tmpfs.ts';

/** What a body says of mounts, checked by itself. */
export interface MountsAsked {
  /** Volumes that nobody named have '' for a name. */
  readonly mounts: readonly MountWish[];
  /** Targets of bind mounts of which the body says how they propagate. */
  readonly propagated: readonly string[];
  /** Containers whose volumes it has, too. */
  readonly volumesFrom: readonly { readonly container: string; readonly readOnly: boolean }[];
  /** As it was written; undefined: it was not. */
  readonly asked: AskedMounts | undefined;
}

/** In the options of one of HostConfig.Binds. */
const PROPAGATION = /[:,]r?(private|shared|slave)(,|$)/;

/** @throws ApiError 400, 501 */
export function checkMounts(body: CreateBody): MountsAsked {
  const { Binds, Mounts, Tmpfs, VolumesFrom, VolumeDriver } = body.HostConfig ?? {};
  const binds = (Binds ?? []).map(parseBind);
  const named = [...binds, ...(Mounts ?? []).map(parseMount)];
  const tmpfs = Object.entries(Tmpfs ?? {}).map(([path, options]) => parseTmpfs(path, options));
  refuseTwice([...named, ...tmpfs]);
  const taken = new Set([...named, ...tmpfs].map(({ target }) => target));
  // Docker: what is mounted there by another word wins over a volume that the configuration asks for.
  const anonymous = Object.keys(body.Volumes ?? {})
    .map((path) => volumeOf('', targetOf(path, path)))
    .filter(({ target }) => !taken.has(target));
  // Those of Mounts say theirs themselves; where there are no others Docker doesn't look at it.
  if ([...binds, ...anonymous].some(({ kind }) => kind === 'volume')) refuseDriver(VolumeDriver ?? '');
  const mounts = [...named, ...tmpfs, ...anonymous];
  if (mounts.length > API_LIMITS.mounts) throw new ApiError(400, `a container may have ${API_LIMITS.mounts} mounts, got ${mounts.length}`);
  const isAsked = [Binds, Mounts, VolumesFrom, Object.keys(Tmpfs ?? {})].some((list) => (list ?? []).length > 0);
  return {
    mounts,
    propagated: [
      ...binds.filter((_, at) => PROPAGATION.test(Binds?.[at] ?? '')),
      ...named.slice(binds.length).filter((_, at) => (Mounts?.[at]?.BindOptions?.Propagation ?? '') !== ''),
    ].map(({ target }) => target),
    volumesFrom: (VolumesFrom ?? []).map(parseVolumesFrom),
    asked: isAsked ? { binds: Binds ?? [], mounts: Mounts ?? [], tmpfs: Tmpfs ?? {}, volumesFrom: VolumesFrom ?? [] } : undefined,
  };
}

function parseVolumesFrom(text: string): MountsAsked['volumesFrom'][number] {
  const [container = '', mode = 'rw', ...more] = text.split(':');
  if (container === '' || more.length > 0 || !['ro', 'rw', 'z', 'Z'].includes(mode)) {
    throw new ApiError(
      400,
      `invalid volumes-from specification: invalid mode: ${mode.slice(0, 40)}: ${JSON.stringify(text.slice(0, 120))} is not as db or db:ro`,
    );
  }
  return { container, readOnly: mode === 'ro' };
}

function refuseTwice(mounts: readonly MountWish[]): void {
  const seen = new Set<string>();
  for (const { target } of mounts) {
    if (seen.has(target)) throw new ApiError(400, `Duplicate mount point: ${target}`);
    seen.add(target);
  }
}
