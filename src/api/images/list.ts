import { Array as ArrayOf, Integer, Null, Object as ObjectOf, Record as RecordOf, String as StringOf, Union } from 'typebox';
import { matchesGlob } from '../http/glob.ts';
import { ApiError } from '../http/api-error.ts';
import { filtersOf, type Filters, type Query } from '../http/query.ts';
import { labelMatches } from '../containers/list.ts';
import { API_LIMITS } from '../limits.ts';
import { familiarReference, repositoryOf } from './reference.ts';
import type { ImageRow } from './shapes.ts';

/** A peer's row, as far as merging and filtering read it. */
export const PEER_IMAGE_ROW = ObjectOf({
  Id: StringOf(),
  RepoTags: ArrayOf(StringOf()),
  RepoDigests: ArrayOf(StringOf()),
  Created: Integer(),
  Labels: Union([RecordOf(StringOf(), StringOf()), Null()]),
  Caravela: ObjectOf({ Digest: StringOf() }),
});

/** The union by digest: one row per image, with the names that any node has for it. The first node's row counts. */
export function mergeImages(rows: readonly ImageRow[]): ImageRow[] {
  const byDigest = new Map<string, ImageRow>();
  for (const row of rows) {
    const known = byDigest.get(row.Caravela.Digest);
    byDigest.set(
      row.Caravela.Digest,
      known === undefined
        ? row
        : { ...known, RepoTags: union(known.RepoTags, row.RepoTags), RepoDigests: union(known.RepoDigests, row.RepoDigests) },
    );
  }
  return [...byDigest.values()].sort((a, b) => b.Created - a.Created || (a.Id < b.Id ? -1 : 1)).slice(0, API_LIMITS.listRows);
}

/** @throws ApiError 400 */
export function imageFiltersOf(query: Query): Filters {
  const filters = filtersOf(query, ['reference', 'label', 'dangling']);
  for (const value of filters.get('dangling') ?? []) {
    if (!['0', '1', 'true', 'false'].includes(value)) throw new ApiError(400, `invalid filter 'dangling=${value}': it is true or false`);
  }
  return filters;
}

export function imageIsMeant(row: ImageRow, filters: Filters): boolean {
  const tags = row.RepoTags ?? [];
  return (
    (filters.get('dangling')?.some((v) => (v === '1' || v === 'true') === (tags.length === 0)) ?? true) &&
    (filters.get('label') ?? []).every((wanted) => labelMatches(wanted, row.Labels ?? {})) &&
    (filters.get('reference')?.some((wanted) => tags.some((tag) => tagMatches(wanted, tag))) ?? true)
  );
}

/** `busybox`, `busybox:*`, `docker.io/library/busybox:latest`; without a tag, any tag. */
function tagMatches(wanted: string, tag: string): boolean {
  const pattern = familiarReference(wanted);
  return matchesGlob(pattern, tag) || (repositoryOf(pattern) === pattern && matchesGlob(pattern, repositoryOf(tag)));
}

function union(a: readonly string[] | null, b: readonly string[] | null): string[] {
  return [...new Set([...(a ?? []), ...(b ?? [])])];
}
