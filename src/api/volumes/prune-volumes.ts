import { Array as ArrayOf, Null, Number as NumberOf, Object as ObjectOf, String as StringOf, Union } from 'typebox';
import { Check } from 'typebox/schema';
import type { Member } from '../../core/model/index.ts';
import type { VolumesPruned } from '../../docker-api/types.ts';
import { VolumeError } from '../../engine/port.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { notePruned } from '../events/note-pruned.ts';
import { pruneFilterOf, truthOf } from '../http/prune-filter.ts';
import type { Query } from '../http/query.ts';
import { askAll } from '../instance/ask.ts';
import type { Scope } from '../instance/scope.ts';
import { removeVolumeHere } from './remove-volume.ts';

const PEER_PRUNED = ObjectOf({ VolumesDeleted: Union([Null(), ArrayOf(StringOf())]), SpaceReclaimed: NumberOf() });
/** Removing large directories takes its time. */
const PRUNE_DEADLINE_MS = 120_000;
/** The first version that leaves volumes with a name alone. */
const ANONYMOUS_SINCE = 42;

/**
 * Removes what no container has, on every node: what nobody named, or with the filter `all=1` anything, as clients
 * before 1.42 mean it. @throws ApiError 400
 */
export async function pruneVolumes(
  context: ApiContext,
  query: Query,
  { scope, version }: { readonly scope: Scope; readonly version: number },
): Promise<{ readonly pruned: VolumesPruned; readonly silent: readonly Member[] }> {
  const { backend } = context;
  const { filters, untilMs = Infinity, isMeant } = pruneFilterOf(query, backend.wallMs(), ['all']);
  const all = truthOf(filters, 'all') ?? version < ANONYMOUS_SINCE;
  const passedOn = JSON.stringify({ ...Object.fromEntries(filters), all: [String(all)] });
  const path = `/volumes/prune?filters=${encodeURIComponent(passedOn)}`;
  const asking = scope === 'node' ? undefined : askAll(backend, { method: 'POST', path, deadlineMs: PRUNE_DEADLINE_MS });
  const deleted: string[] = [];
  let reclaimed = 0;
  for (const { name, labels, usedBy, anonymous, createdAtMs } of await backend.volumes.here.list()) {
    if (usedBy.length > 0 || !(all || anonymous) || createdAtMs > untilMs || !isMeant(labels)) continue;
    const sizeBytes = await sizeOf(context, name);
    if (!(await removed(context, name))) continue;
    deleted.push(name);
    reclaimed += sizeBytes;
  }
  const { answers, silent } = (await asking) ?? { answers: [], silent: [], dead: [] };
  const peers = answers.flatMap(({ status, body }) => (status === 200 && Check(PEER_PRUNED, body) ? [body] : []));
  reclaimed += peers.reduce((sum, { SpaceReclaimed }) => sum + SpaceReclaimed, 0);
  notePruned(context, scope, 'volume', reclaimed);
  return {
    pruned: { VolumesDeleted: [...deleted, ...peers.flatMap(({ VolumesDeleted }) => VolumesDeleted ?? [])], SpaceReclaimed: reclaimed },
    silent,
  };
}

async function sizeOf({ backend }: ApiContext, name: string): Promise<number> {
  return backend.volumes.here.sizeOf(name).catch((error: unknown) => {
    if (error instanceof VolumeError) return 0;
    throw error;
  });
}

/** Whether it went; somebody may have taken it meanwhile, or been quicker. */
async function removed(context: ApiContext, name: string): Promise<boolean> {
  try {
    await removeVolumeHere(context, name);
  } catch (error) {
    if (error instanceof VolumeError) return false;
    if (!(error instanceof ApiError)) throw error;
    context.backend.log('warn', 'a volume went, but not its name', { volume: name, error: error.message });
  }
  return true;
}
