import { Object as ObjectOf, Optional, String as StringOf } from 'typebox';
import { Check } from 'typebox/schema';
import type { Member } from '../../core/model/index.ts';
import type { ImageDeleteItem } from '../../docker-api/types.ts';
import { ImageError, type ImageRemoval } from '../../engine/port.ts';
import type { ApiContext } from '../context.ts';
import { ApiError, fromImageError } from '../http/api-error.ts';
import { rowsOf } from '../http/check.ts';
import { askAll } from '../instance/ask.ts';
import type { Scope } from '../instance/scope.ts';
import { familiarReference } from './reference.ts';
import { askHolders, identify } from './holders.ts';
import { isId, noSuchImage } from './names.ts';
import { imageAnswer } from './shapes.ts';
import { conflictOf, usersOf } from './users.ts';

const ITEM = ObjectOf({ Untagged: Optional(StringOf()), Deleted: Optional(StringOf()) });
const FAILURE = ObjectOf({ message: StringOf() });
/** Deleting unpacked layers takes longer than answering a list. */
const REMOVE_DEADLINE_MS = 30_000;

/**
 * Removes an image from every node that has it and answers. Where a container of any of them uses it, it stays on all;
 * with force, and where one begins to use it meanwhile, only on the nodes that refuse, which is the answer then.
 * @throws ApiError 404 (no node has it), 409 (in use)
 */
export async function removeImage(
  context: ApiContext,
  name: string,
  force: boolean,
  scope: Scope,
): Promise<{ readonly items: ImageDeleteItem[]; readonly silent: readonly Member[] }> {
  const wanted = isId(name) ? await identify(context, name, scope) : name;
  if (scope === 'instance' && (!force || isId(name))) await refuseUsed(context, wanted, force);
  const path = `/images/${encodeURIComponent(wanted)}?force=${force ? 1 : 0}`;
  const asking = scope === 'node' ? undefined : askAll(context.backend, { method: 'DELETE', path, deadlineMs: REMOVE_DEADLINE_MS });
  const here = await removeHere(context, wanted, force);
  const asked = (await asking) ?? { answers: [], silent: [], dead: [] };
  const refusals = [
    ...(here instanceof ApiError ? [here] : []),
    ...asked.answers
      .filter((answer) => answer.status !== 200 && answer.status !== 404)
      .map((answer) => new ApiError(answer.status, `${answer.member.name}: ${messageOf(answer.body)}`)),
  ];
  const refusal = refusals[0];
  if (refusal !== undefined) throw refusal;
  const lists = [
    ...(here === undefined || here instanceof ApiError ? [] : [here]),
    ...asked.answers.filter((a) => a.status === 200).map((a) => rowsOf(ITEM, a.body)),
  ];
  if (lists.length === 0) throw noSuchImage(name);
  const items = new Map(lists.flat().map((item) => [`${item.Untagged ?? ''} ${item.Deleted ?? ''}`, item]));
  return { items: [...items.values()] as ImageDeleteItem[], silent: asked.silent };
}

/** @throws ApiError 409 */
async function refuseUsed(context: ApiContext, name: string, force: boolean): Promise<void> {
  const { backend } = context;
  const asking = askHolders(context, name);
  const own = await backend.images.inspect(name);
  const here = own === undefined ? [] : [{ member: backend.self(), image: imageAnswer(own, usersOf(backend, own.digest)) }];
  for (const { member, image } of [...here, ...(await asking).holders]) {
    const conflict = conflictOf(name, member.name, image, force);
    if (conflict !== undefined) throw conflict;
  }
}

/** What this node removed; undefined where it has no such image. */
async function removeHere(context: ApiContext, name: string, force: boolean): Promise<ImageDeleteItem[] | ApiError | undefined> {
  try {
    const removed = await context.backend.images.remove(name, force);
    noteRemoved(context, removed);
    return removed.map(deleteItem);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return error.code === 'not-found' ? undefined : fromImageError(error);
  }
}

export function deleteItem({ untagged, deleted }: ImageRemoval): ImageDeleteItem {
  return {
    ...(untagged === undefined ? {} : { Untagged: familiarReference(untagged) }),
    ...(deleted === undefined ? {} : { Deleted: deleted }),
  };
}

/** An id that went is told after the names that went with it. */
export function noteRemoved(context: ApiContext, removed: readonly ImageRemoval[]): void {
  const untagged: string[] = [];
  for (const item of removed) {
    if (item.untagged !== undefined) untagged.push(familiarReference(item.untagged));
    if (item.deleted === undefined) continue;
    for (const name of untagged.splice(0)) context.note({ type: 'image', action: 'untag', id: item.deleted, attributes: { name } });
    context.note({ type: 'image', action: 'delete', id: item.deleted, attributes: { name: item.deleted } });
  }
  for (const name of untagged) context.note({ type: 'image', action: 'untag', id: name, attributes: { name } });
}

const messageOf = (body: unknown): string => (Check(FAILURE, body) ? body.message : 'it refused without a reason');
