import { Readable } from 'node:stream';
import { Array as ArrayOf, Boolean as BooleanOf, Integer, Object as ObjectOf, Optional, String as StringOf, Unknown } from 'typebox';
import { Check } from 'typebox/schema';
import type { SearchRow } from '../../docker-api/types.ts';
import { ApiError } from '../http/api-error.ts';
import { readJson } from '../http/body.ts';
import { rowsOf } from '../http/check.ts';
import { truthOf } from '../http/prune-filter.ts';
import { filtersOf, type Query, textOf, wholeOf } from '../http/query.ts';

/** Docker Hub's search, in the form that all registries once had. */
export const HUB_SEARCH_URL = 'https://index.docker.io/v1/search';

const ANSWER = ObjectOf({ results: ArrayOf(Unknown()) });
const FOUND = ObjectOf({
  name: StringOf(),
  description: Optional(StringOf()),
  star_count: Optional(Integer()),
  is_official: Optional(BooleanOf()),
  is_automated: Optional(BooleanOf()),
});
const ANSWER_BYTES = 1024 * 1024;
const DEADLINE_MS = 15_000;
const LIMIT = 100;

/** Asks Docker Hub, of which alone it is known how to be searched. @throws ApiError 400, 500 where it can't be reached */
export async function searchImages(query: Query, url = HUB_SEARCH_URL): Promise<SearchRow[]> {
  const term = textOf(query, 'term');
  const limit = wholeOf(query, 'limit') ?? 25;
  if (term === '') throw new ApiError(400, 'term must say what to search for, got nothing');
  if (limit < 1 || limit > LIMIT) throw new ApiError(400, `Limit ${limit} is outside the range of [1, ${LIMIT}]`);
  const [host = ''] = term.split('/');
  if (term.includes('/') && (/[.:]/.test(host) || host === 'localhost') && !['docker.io', 'index.docker.io'].includes(host)) {
    throw new ApiError(400, `only Docker Hub can be searched: registry ${host} has no search; ask it for its catalogue instead`);
  }
  const isMeant = filterOf(query);
  const words = term.replace(/^(index\.)?docker\.io\//, '');
  const rows = await ask(`${url}?q=${encodeURIComponent(words)}&n=${limit}`);
  return rows.filter(isMeant).slice(0, limit);
}

function filterOf(query: Query): (row: SearchRow) => boolean {
  const filters = filtersOf(query, ['stars', 'is-official', 'is-automated']);
  const official = truthOf(filters, 'is-official');
  const automated = truthOf(filters, 'is-automated');
  const stars = (filters.get('stars') ?? []).map((text) => {
    if (!/^\d{1,9}$/.test(text)) throw new ApiError(400, `invalid filter 'stars=${text.slice(0, 80)}': it is a number`);
    return Number(text);
  });
  return (row) =>
    (official === undefined || row.is_official === official) &&
    (automated === undefined || (row.is_automated ?? false) === automated) &&
    stars.every((least) => row.star_count >= least);
}

async function ask(url: string): Promise<SearchRow[]> {
  const { hostname } = new URL(url);
  let body: unknown;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS) });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new ApiError(500, `the search of ${hostname} answered ${response.status}: try again later`);
    }
    body = await readJson(Readable.fromWeb(response.body), ANSWER_BYTES);
  } catch (error) {
    if (error instanceof ApiError && error.status === 500) throw error;
    const { cause, message } = error as Error;
    const why = cause instanceof Error ? cause.message : message;
    throw new ApiError(
      500,
      `${hostname} can't be searched from this node: ${why}. Images are found without a search by their name: docker pull NAME`,
    );
  }
  return (Check(ANSWER, body) ? rowsOf(FOUND, body.results) : []).map(rowOf);
}

function rowOf(found: { name: string } & Partial<SearchRow>): SearchRow {
  const { name, description = '', star_count = 0, is_official = false, is_automated = false } = found;
  return { name, description, star_count, is_official, is_automated };
}
