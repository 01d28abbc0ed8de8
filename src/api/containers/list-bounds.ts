import type { ApiContext } from '../context.ts';
import type { Filters } from '../http/query.ts';
import { locate } from '../instance/locate.ts';
import type { Scope } from '../instance/scope.ts';
import { createdThere } from '../instance/inspect-there.ts';

/** Between nodes: bounds of the creation, wall-clock ms. */
export const CREATED = ['caravela.created-before', 'caravela.created-since'] as const;
const [BEFORE, SINCE] = CREATED;

/** `before` and `since` name containers, which may be anywhere: their moments take their place. @throws ApiError 404 … */
export async function withMoments(context: ApiContext, filters: Filters, scope: Scope): Promise<Filters> {
  const settled = new Map(filters);
  for (const [key, bound] of [
    ['before', BEFORE],
    ['since', SINCE],
  ] as const) {
    const [word] = filters.get(key) ?? [];
    if (word === undefined) continue;
    const found = await locate(context, word, scope);
    const createdAtMs = found.at === 'here' ? found.container.createdAtMs : await createdThere(context.backend, found.node, found.id);
    settled.delete(key);
    settled.set(bound, [String(createdAtMs)]);
  }
  return settled;
}

export function isWithin(filters: Filters, createdAtMs: number): boolean {
  const [before] = filters.get(BEFORE) ?? [];
  const [since] = filters.get(SINCE) ?? [];
  return (before === undefined || createdAtMs < Number(before)) && (since === undefined || createdAtMs > Number(since));
}

/** As a query says it. */
export const filtersText = (filters: Filters): string => JSON.stringify(Object.fromEntries(filters));
