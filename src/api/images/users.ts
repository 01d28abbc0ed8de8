import type { Container, ContainerId } from '../../core/model/index.ts';
import type { Backend } from '../backend.ts';
import { specOf } from '../containers/facts.ts';
import { ApiError } from '../http/api-error.ts';
import type { PeerImage } from './holders.ts';
import { normalise } from './names.ts';
import { familiarReference } from './reference.ts';

/** Containers of one node that were made of an image. */
export interface ImageUsers {
  readonly usedBy: readonly ContainerId[];
  /** Those of them that run. */
  readonly runBy: readonly ContainerId[];
}

export function usersOf(backend: Backend, digest: string): ImageUsers {
  const users = backend
    .containers()
    .filter((container) => container.request.spec.includes(digest) && specOf(container).image.digest === digest);
  const idsOf = (containers: readonly Container[]): ContainerId[] => containers.map(({ request }) => request.containerId);
  return { usedBy: idsOf(users), runBy: idsOf(users.filter(({ task }) => task?.state === 'running')) };
}

/** Why an image can't be removed by this name, as Docker has it; undefined: nothing is in the way. By its id, what runs is even where it is forced. */
export function conflictOf(
  name: string,
  node: string,
  { Id, Caravela }: Pick<PeerImage, 'Id' | 'Caravela'>,
  force: boolean,
): ApiError | undefined {
  const { References, UsedBy = [], RunBy = [] } = Caravela;
  const [user] = UsedBy;
  const [runner] = RunBy;
  const reference = normalise(name);
  const isNamed = reference !== undefined && References.includes(reference);
  const short = (id: string): string => id.replace('sha256:', '').slice(0, 12);
  if (runner !== undefined && !isNamed) {
    return new ApiError(
      409,
      `conflict: unable to delete ${short(Id)} (cannot be forced) - image is being used by running container ${short(runner)} on node ${node}`,
    );
  }
  // Of several names one may go.
  if (force || user === undefined || (isNamed && References.length > 1)) return undefined;
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
