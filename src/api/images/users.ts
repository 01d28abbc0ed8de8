import type { ContainerId } from '../../core/model/index.ts';
import type { Backend } from '../backend.ts';
import { specOf } from '../containers/facts.ts';
import { ApiError } from '../http/api-error.ts';
import type { PeerImage } from './holders.ts';
import { normalise } from './names.ts';
import { familiarReference } from './reference.ts';

/** Containers of this node that were made of an image, whether they run or not. */
export function usersOf(backend: Backend, digest: string): ContainerId[] {
  return backend
    .containers()
    .filter((container) => container.request.spec.includes(digest) && specOf(container).image.digest === digest)
    .map(({ request }) => request.containerId);
}

/** Why an image can't be removed by this name without force, as Docker has it; undefined: nothing is in the way. */
export function conflictOf(name: string, node: string, { Id, Caravela }: Pick<PeerImage, 'Id' | 'Caravela'>): ApiError | undefined {
  const { References, UsedBy = [] } = Caravela;
  const [user] = UsedBy;
  const reference = normalise(name);
  const isNamed = reference !== undefined && References.includes(reference);
  // Of several names one may go.
  if (user === undefined || (isNamed && References.length > 1)) return undefined;
  const short = (id: string): string => id.replace('sha256:', '').slice(0, 12);
  const used = `${short(user)} on node ${node} is using its referenced image ${short(Id)}`;
  return isNamed
    ? new ApiError(
        409,
        `conflict: unable to remove repository reference "${familiarReference(reference)}" (must force) - container ${used}`,
      )
    : new ApiError(
        409,
        `conflict: unable to delete ${short(Id)} (must be forced) - image is being used by container ${short(user)} on node ${node}`,
      );
}
