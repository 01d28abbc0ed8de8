import type { Member } from '../../core/model/index.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { type Asked, askAll } from '../instance/ask.ts';
import type { Scope } from '../instance/scope.ts';
import { digestOf } from './holders.ts';
import { newName, noSuchImage } from './names.ts';
import { familiarReference } from './reference.ts';

const TAG_DEADLINE_MS = 10_000;

/** One more name for an image, on every node that has it; no other image keeps the name anywhere. @throws ApiError 400, 404 */
export async function tagImage(
  context: ApiContext,
  name: string,
  { repository, tag, scope }: { readonly repository: string; readonly tag: string; readonly scope: Scope },
): Promise<readonly Member[]> {
  const reference = newName(repository, tag);
  if (reference === '') throw new ApiError(400, 'invalid reference format: repo must name the image anew, got nothing');
  if (scope === 'node') {
    if ((await tagHere(context, name, reference)) !== undefined) return [];
    // Who asks for the name is to find one image by it, wherever it looks.
    await context.backend.images.untag(reference);
    throw noSuchImage(name);
  }
  const wanted = await digestOf(context, name, scope);
  const idHere = await tagHere(context, wanted, reference);
  const { answers, silent } = await tagElsewhere(context, wanted, repository, tag);
  if (idHere === undefined) {
    if (!answers.some(({ status }) => status === 201)) throw noSuchImage(name);
    await context.backend.images.untag(reference);
  }
  // One tag is one event, however many nodes have the image.
  context.note({ type: 'image', action: 'tag', id: idHere ?? wanted, attributes: { name: familiarReference(reference) } });
  return silent;
}

/** Of an image that has the name here: it has it wherever it is, and no other has it. */
export function tagElsewhere({ backend }: ApiContext, digest: string, repository: string, tag: string): Promise<Asked> {
  const path = `/images/${encodeURIComponent(digest)}/tag?repo=${encodeURIComponent(repository)}&tag=${encodeURIComponent(tag)}`;
  return askAll(backend, { method: 'POST', path, deadlineMs: TAG_DEADLINE_MS });
}

/** The id of the image, which has the name now; undefined: it is not here. */
async function tagHere(context: ApiContext, wanted: string, reference: string): Promise<string | undefined> {
  const { images } = context.backend;
  const image = await images.inspect(wanted);
  if (image === undefined) return undefined;
  await images.tag(wanted, reference);
  return image.id;
}
