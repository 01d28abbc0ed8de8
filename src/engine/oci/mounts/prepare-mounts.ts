import { mkdir, stat } from 'node:fs/promises';
import { hasCode } from '../../../linux/system-error.ts';
import { assertNever } from '../../../lib/assert.ts';
import { EngineError, type MountWish, VolumeError } from '../../port.ts';
import type { OciVolumes } from '../volumes/oci-volumes.ts';

/**
 * Sees to it that what is to be mounted is there: volumes are made, a bind mount's source too where it was asked for
 * with `-v`. Safe to repeat; at each start, as it may have gone since. @throws EngineError in Docker's words
 */
export async function prepareMounts(mounts: readonly MountWish[], volumes: OciVolumes): Promise<void> {
  const seen = new Set<string>();
  for (const wish of mounts) {
    if (seen.has(wish.target)) throw new EngineError('engine-failed', `Duplicate mount point: ${wish.target}`);
    seen.add(wish.target);
    if (wish.target === '/') {
      throw new EngineError(
        'engine-failed',
        `invalid mount config for type "${wish.kind}": invalid specification: destination can't be '/'`,
      );
    }
    await prepare(wish, volumes);
  }
}

async function prepare(wish: MountWish, volumes: OciVolumes): Promise<void> {
  switch (wish.kind) {
    case 'bind':
      return prepareBind(wish);
    case 'volume':
      try {
        await volumes.create({ name: wish.name, labels: wish.labels, options: {}, anonymous: wish.anonymous });
        return;
      } catch (error) {
        throw error instanceof VolumeError ? new EngineError('engine-failed', `create ${wish.name}: ${error.message}`) : error;
      }
    case 'tmpfs':
      return;
    default:
      return assertNever(wish);
  }
}

async function prepareBind({ source, createSource }: MountWish & { kind: 'bind' }): Promise<void> {
  try {
    await stat(source);
    return;
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw unusable(source, error);
    if (!createSource)
      throw new EngineError('engine-failed', `invalid mount config for type "bind": bind source path does not exist: ${source}`);
  }
  try {
    await mkdir(source, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw unusable(source, error);
  }
}

function unusable(source: string, error: unknown): EngineError {
  const why = error instanceof Error ? error.message : String(error);
  return new EngineError('engine-failed', `error while creating mount source path '${source}': ${why}`);
}
