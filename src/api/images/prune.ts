import { Array as ArrayOf, Number as NumberOf, Null, Object as ObjectOf, Optional, String as StringOf, Union } from 'typebox';
import { Check } from 'typebox/schema';
import type { Member } from '../../core/model/index.ts';
import type { ImagesPruned } from '../../docker-api/types.ts';
import type { ApiContext } from '../context.ts';
import { notePruned } from '../events/note-pruned.ts';
import { pruneFilterOf, truthOf } from '../http/prune-filter.ts';
import { type Query, textOf } from '../http/query.ts';
import { askAll } from '../instance/ask.ts';
import type { Scope } from '../instance/scope.ts';
import { deleteItem, noteRemoved } from './remove.ts';

const PEER_PRUNED = ObjectOf({
  ImagesDeleted: Union([Null(), ArrayOf(ObjectOf({ Untagged: Optional(StringOf()), Deleted: Optional(StringOf()) }))]),
  SpaceReclaimed: NumberOf(),
});
/** Deleting unpacked layers takes its time. */
const PRUNE_DEADLINE_MS = 120_000;

/** Removes what has no name, or with `dangling=false` all that no container uses, on every node. @throws ApiError 400 */
export async function pruneImages(
  context: ApiContext,
  query: Query,
  scope: Scope,
): Promise<{ readonly pruned: ImagesPruned; readonly silent: readonly Member[] }> {
  const { backend } = context;
  const { filters, untilMs, isMeant } = pruneFilterOf(query, backend.wallMs(), ['dangling']);
  const all = truthOf(filters, 'dangling') === false;
  const path = `/images/prune?filters=${encodeURIComponent(textOf(query, 'filters'))}`;
  const asking = scope === 'node' ? undefined : askAll(backend, { method: 'POST', path, deadlineMs: PRUNE_DEADLINE_MS });
  const { removed, reclaimedBytes } = await backend.images.prune({ all, untilMs, isMeant });
  noteRemoved(context, removed);
  const { answers, silent } = (await asking) ?? { answers: [], silent: [], dead: [] };
  const peers = answers.flatMap(({ status, body }) => (status === 200 && Check(PEER_PRUNED, body) ? [body] : []));
  const items = [...removed.map(deleteItem), ...peers.flatMap(({ ImagesDeleted }) => ImagesDeleted ?? [])];
  // One image is one image, on however many nodes it was.
  const once = new Map(items.map((item) => [`${item.Untagged ?? ''} ${item.Deleted ?? ''}`, item]));
  const reclaimed = reclaimedBytes + peers.reduce((sum, { SpaceReclaimed }) => sum + SpaceReclaimed, 0);
  notePruned(context, scope, 'image', reclaimed);
  return {
    pruned: {
      ImagesDeleted: once.size === 0 ? null : ([...once.values()] as ImagesPruned['ImagesDeleted']),
      SpaceReclaimed: reclaimed,
    },
    silent,
  };
}
