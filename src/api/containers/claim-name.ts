import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { holdersOfName } from '../instance/locate.ts';
import { randomName } from './random-name.ts';

/** A random name that is taken is drawn again, this often. */
export const NAME_DRAWS = 8;

/**
 * Reserves a name among the creates of this node, after asking all nodes for it. Whoever claims it gives
 * it back (`context.claimedNames`) when the create is over. @throws ApiError 409
 */
export async function claimName(context: ApiContext, given: string | undefined): Promise<string> {
  for (let draw = 0; draw < NAME_DRAWS; draw++) {
    const name = given ?? randomName((bytes) => context.backend.randomHex(bytes), draw);
    const claimed = context.claimedNames.has(name);
    if (claimed && given !== undefined) throw nameConflict(name);
    if (claimed) continue;
    context.claimedNames.add(name);
    const [holder] = await holdersOfName(context, name).catch((error: unknown) => {
      context.claimedNames.delete(name);
      throw error;
    });
    if (holder === undefined) return name;
    context.claimedNames.delete(name);
    if (given !== undefined) throw nameConflict(name, holder.id);
  }
  throw new ApiError(500, `no free random name was found in ${NAME_DRAWS} draws; give the container one with --name`);
}

/** Docker's words. */
export function nameConflict(name: string, holder?: string): ApiError {
  const by = holder === undefined ? 'another container' : `container "${holder}"`;
  return new ApiError(
    409,
    `Conflict. The container name "/${name}" is already in use by ${by}. You have to remove (or rename) that container to be able to reuse that name.`,
  );
}
