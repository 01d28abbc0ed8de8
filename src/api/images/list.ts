import { Array as ArrayOf, Integer, Null, Object as ObjectOf, Record as RecordOf, String as StringOf, Union } from 'typebox';
import type { Backend } from '../backend.ts';
import { rowsOf } from '../http/check.ts';
import { matchesPath } from '../http/glob.ts';
import { momentBefore, truthOf } from '../http/prune-filter.ts';
import { filtersOf, type Filters, type Query } from '../http/query.ts';
import { labelMatches } from '../http/label-matches.ts';
import { askAll } from '../instance/ask.ts';
import { API_LIMITS } from '../limits.ts';
import { isId, normalise, noSuchImage } from './names.ts';
import { familiarReference, repositoryOf } from './reference.ts';
import type { ImageRow } from './shapes.ts';

/** A peer's row, as far as merging and filtering read it. */
export const PEER_IMAGE_ROW = ObjectOf({
  Id: StringOf(),
  RepoTags: ArrayOf(StringOf()),
  RepoDigests: ArrayOf(StringOf()),
  Created: Integer(),
  Size: Integer(),
  SharedSize: Integer(),
  Containers: Integer(),
  Labels: Union([RecordOf(StringOf(), StringOf()), Null()]),
  Caravela: ObjectOf({ Digest: StringOf() }),
});

/** The union by digest: one row per image, with the names that any node has for it. The first node's row counts; containers add up. */
export function mergeImages(rows: readonly ImageRow[]): ImageRow[] {
  const byDigest = new Map<string, ImageRow>();
  for (const row of rows) {
    const known = byDigest.get(row.Caravela.Digest);
    byDigest.set(
      row.Caravela.Digest,
      known === undefined
        ? row
        : {
            ...known,
            RepoTags: union(known.RepoTags, row.RepoTags),
            RepoDigests: union(known.RepoDigests, row.RepoDigests),
            Containers: Math.max(known.Containers, 0) + Math.max(row.Containers, 0) || Math.max(known.Containers, row.Containers),
          },
    );
  }
  return [...byDigest.values()].sort((a, b) => b.Created - a.Created || (a.Id < b.Id ? -1 : 1)).slice(0, API_LIMITS.listRows);
}

export interface ImageFilter {
  /** The rows that are meant, with the names that are meant. @throws ApiError 404 where it names an image that is none */
  select(rows: readonly ImageRow[]): ImageRow[];
}

/** @throws ApiError 400 */
export function imageFilterOf(query: Query, nowMs: number): ImageFilter {
  const filters = filtersOf(query, ['reference', 'label', 'dangling', 'before', 'since', 'until']);
  const dangling = truthOf(filters, 'dangling');
  const [until] = filters.get('until') ?? [];
  const untilMs = until === undefined ? Infinity : momentBefore(until, nowMs);
  return {
    select(rows) {
      const beforeAt = Math.min(...createdOf(rows, filters.get('before') ?? []));
      const sinceAt = Math.max(...createdOf(rows, filters.get('since') ?? []));
      return withReferences(rows, filters).filter(
        (row) =>
          (dangling === undefined || dangling === ((row.RepoTags ?? []).length === 0)) &&
          row.Created < beforeAt &&
          row.Created > sinceAt &&
          row.Created * 1_000 <= untilMs &&
          (filters.get('label') ?? []).every((wanted) => labelMatches(wanted, row.Labels ?? {})),
      );
    },
  };
}

/** Docker's: only the names that match are shown, and who has none of them is not. */
function withReferences(rows: readonly ImageRow[], filters: Filters): readonly ImageRow[] {
  const patterns = filters.get('reference');
  if (patterns === undefined) return rows;
  const isMeant = (name: string): boolean => patterns.some((pattern) => nameMatches(pattern, name));
  return rows
    .map((row) => ({ ...row, RepoTags: (row.RepoTags ?? []).filter(isMeant), RepoDigests: (row.RepoDigests ?? []).filter(isMeant) }))
    .filter(({ RepoTags, RepoDigests }) => RepoTags.length + RepoDigests.length > 0);
}

/** `busybox`, `busybox:*`, `docker.io/library/busybox:latest`; without a tag, any tag. */
function nameMatches(wanted: string, name: string): boolean {
  const pattern = familiarReference(wanted);
  return matchesPath(pattern, name) || (repositoryOf(pattern) === pattern && matchesPath(pattern, repositoryOf(name)));
}

/** @throws ApiError 404 */
function createdOf(rows: readonly ImageRow[], names: readonly string[]): readonly number[] {
  return names.map((name) => {
    const wanted = familiarReference(normalise(name) ?? name);
    const digits = name.replace(/^sha256:/, '');
    const found =
      rows.find(({ RepoTags, RepoDigests }) => [...(RepoTags ?? []), ...(RepoDigests ?? [])].includes(wanted)) ??
      (isId(name) ? rows.find(({ Id }) => Id.slice('sha256:'.length).startsWith(digits)) : undefined);
    if (found === undefined) throw noSuchImage(name);
    return found.Created;
  });
}

function union(a: readonly string[] | null, b: readonly string[] | null): string[] {
  return [...new Set([...(a ?? []), ...(b ?? [])])];
}

/** One that is on several nodes is one. */
export async function countImages(backend: Backend): Promise<number> {
  const [here, { answers }] = await Promise.all([backend.images.list(), askAll(backend, { path: '/images/json' })]);
  const there = answers.flatMap(({ body }) => rowsOf(PEER_IMAGE_ROW, body).map(({ Caravela }) => Caravela.Digest));
  return new Set([...here.map(({ digest }) => digest), ...there]).size;
}

/** What clients before 1.43 know an image without a name by. */
export function forOldClients(row: ImageRow): ImageRow {
  const isNameless = (row.RepoTags ?? []).length + (row.RepoDigests ?? []).length === 0;
  return isNameless ? { ...row, RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] } : row;
}
