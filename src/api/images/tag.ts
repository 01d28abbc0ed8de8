import type { Member } from '../../core/model/index.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { askAll } from '../instance/ask.ts';
import type { Scope } from '../instance/scope.ts';
import { identify } from './holders.ts';
import { newName, noSuchImage } from './names.ts';
import { familiarReference } from './reference.ts';

const TAG_DEADLINE_MS = 10_000;

/** One more name for an image, on every node that has it. @throws ApiError 400, 404 */
export async function tagImage(
  context: ApiContext,
  name: string,
  { repository, tag, scope }: { readonly repository: string; readonly tag: string; readonly scope: Scope },
): Promise<readonly Member[]> {
  const reference = newName(repository, tag);
  if (reference === '') throw new ApiError(400, 'invalid reference format: repo must name the image anew, got nothing');
  const wanted = await identify(context, name, scope);
  const idHere = await tagHere(context, wanted, reference);
  if (scope === 'node') {
    if (idHere === undefined) throw noSuchImage(name);
    return [];
  }
  const path = `/images/${encodeURIComponent(wanted)}/tag?repo=${encodeURIComponent(repository)}&tag=${encodeURIComponent(tag)}`;
  const { answers, silent } = await askAll(context.backend, { method: 'POST', path, deadlineMs: TAG_DEADLINE_MS });
  if (idHere === undefined && !answers.some(({ status }) => status === 201)) throw noSuchImage(name);
  // One tag is one event, however many nodes have the image.
  context.note({ type: 'image', action: 'tag', id: idHere ?? wanted, attributes: { name: familiarReference(reference) } });
  return silent;
}

/** The id of the image, which has the name now; undefined: it is not here. */
async function tagHere(context: ApiContext, wanted: string, reference: string): Promise<string | undefined> {
  const { images } = context.backend;
  const image = await images.inspect(wanted);
  if (image === undefined) return undefined;
  await images.tag(wanted, reference);
  return image.id;
}
