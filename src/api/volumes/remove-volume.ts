import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { VolumesUnavailable } from '../volume-service.ts';
import { DRIVER } from './volume-row.ts';

/** Removes a volume of this node, and gives its name back. @throws VolumeError, ApiError 503 where the name stays agreed */
export async function removeVolumeHere(context: ApiContext, name: string): Promise<void> {
  const { volumes } = context.backend;
  await volumes.here.remove(name);
  context.note({ type: 'volume', action: 'destroy', id: name, attributes: { driver: DRIVER } });
  await giveBack(context, name);
}

/** @throws ApiError 503 */
export async function giveBack({ backend }: ApiContext, name: string): Promise<void> {
  const { volumes } = backend;
  if (volumes.nodeOf(name) !== backend.self().id) return;
  try {
    await volumes.release(name);
  } catch (error) {
    if (!(error instanceof VolumesUnavailable)) throw error;
    throw new ApiError(503, `volume ${name} is removed, but its name stays this node's: ${error.message} Remove it once more then`);
  }
}
