import type { MountWish } from '../../../engine/port.ts';
import { ApiError } from '../../http/api-error.ts';

type Bind = MountWish & { readonly kind: 'bind' };

/**
 * A bind mount that shows a node's own directories, in which containers' roots are mounted, must hear when those go:
 * else it keeps them, and what is on them, for as long as its container runs. Docker's rule and words.
 * @param isSaid whether the client said how mounts propagate
 * @throws ApiError 400
 */
export function hearingOf(bind: Bind, isSaid: boolean, ownDirs: readonly string[]): Bind {
  const own = ownDirs.find((dir) => isWithin(bind.source, dir) || isWithin(dir, bind.source));
  if (own === undefined || bind.propagation === 'rslave' || bind.propagation === 'rshared') return bind;
  if (!isSaid) return { ...bind, propagation: 'rslave' };
  throw new ApiError(
    400,
    `invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, daemon root: ${JSON.stringify(own)}, bind mount source: ${JSON.stringify(bind.source.slice(0, 200))}, propagation: ${JSON.stringify(bind.propagation)}`,
  );
}

const isWithin = (path: string, dir: string): boolean => path === dir || path.startsWith(dir === '/' ? dir : `${dir}/`);
