import {
  Array as ArrayOf,
  Integer,
  Literal,
  Null,
  Object as ObjectOf,
  Optional,
  Record as RecordOf,
  String as StringOf,
  Union,
  Unknown,
} from 'typebox';
import { Check } from 'typebox/schema';
import type { Member } from '../../core/model/index.ts';
import type { VolumeList, VolumeRow } from '../../docker-api/types.ts';
import type { ApiContext } from '../context.ts';
import { labelMatches } from '../http/label-matches.ts';
import { rowsOf } from '../http/check.ts';
import { truthOf } from '../http/prune-filter.ts';
import { filtersOf, type Query, textOf } from '../http/query.ts';
import { askAll } from '../instance/ask.ts';
import { namesOf, type Scope } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';
import { DRIVER, volumeRow } from './volume-row.ts';

const texts = Union([RecordOf(StringOf(), StringOf()), Null()]);
const PEER_VOLUME = ObjectOf({
  Name: StringOf(),
  Driver: StringOf(),
  Mountpoint: StringOf(),
  Labels: texts,
  Options: texts,
  Scope: Literal('local'),
  UsageData: Optional(ObjectOf({ Size: Integer(), RefCount: Integer() })),
});
const PEER_LIST = ObjectOf({ Volumes: Union([Null(), ArrayOf(Unknown())]) });

/** The volumes of all nodes that answer, by name. @throws ApiError 400 */
export async function listVolumes(
  context: ApiContext,
  query: Query,
  scope: Scope,
): Promise<{ readonly list: VolumeList; readonly silent: readonly Member[] }> {
  const here = await volumesHere(context, query);
  if (scope === 'node') return { list: { Volumes: here, Warnings: [] }, silent: [] };
  const path = `/volumes?filters=${encodeURIComponent(textOf(query, 'filters'))}`;
  const { answers, silent } = await askAll(context.backend, { path });
  const there = answers.flatMap(({ body }) => peerVolumes(body));
  const Volumes = [...here, ...there].sort((a, b) => (a.Name < b.Name ? -1 : 1)).slice(0, API_LIMITS.listRows);
  const Warnings = silent.length === 0 ? [] : [`did not answer, and may have more volumes: ${namesOf(silent)}`];
  return { list: { Volumes, Warnings }, silent };
}

/** What a peer lists. */
export function peerVolumes(body: unknown): VolumeRow[] {
  const rows = Check(PEER_LIST, body) ? body.Volumes : [];
  return rowsOf(PEER_VOLUME, rows);
}

async function volumesHere({ backend }: ApiContext, query: Query): Promise<VolumeRow[]> {
  const filters = filtersOf(query, ['dangling', 'driver', 'label', 'name']);
  const dangling = truthOf(filters, 'dangling');
  const node = backend.self();
  const all = await backend.volumes.here.list();
  return all
    .filter(
      ({ name, labels, usedBy }) =>
        (dangling === undefined || dangling === (usedBy.length === 0)) &&
        (filters.get('driver')?.includes(DRIVER) ?? true) &&
        (filters.get('name')?.some((wanted) => name.includes(wanted)) ?? true) &&
        (filters.get('label') ?? []).every((wanted) => labelMatches(wanted, labels)),
    )
    .map((volume) => volumeRow(volume, node));
}
