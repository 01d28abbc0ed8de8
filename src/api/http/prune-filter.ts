import { labelMatches } from './label-matches.ts';
import { ApiError } from './api-error.ts';
import { type Filters, filtersOf, type Query } from './query.ts';

/** What a prune is about: Docker's filters `until`, `label`, `label!`, and those of the kind. */
export interface PruneFilter {
  readonly filters: Filters;
  /** Made before; wall-clock ms. */
  readonly untilMs: number | undefined;
  readonly isMeant: (labels: Readonly<Record<string, string>>) => boolean;
}

/** @param more the filters that only this kind of thing has. @throws ApiError 400 */
export function pruneFilterOf(query: Query, nowMs: number, more: readonly string[] = []): PruneFilter {
  const filters = filtersOf(query, ['until', 'label', 'label!', ...more]);
  const [until] = filters.get('until') ?? [];
  return {
    filters,
    untilMs: until === undefined ? undefined : momentBefore(until, nowMs),
    isMeant: (labels) =>
      (filters.get('label') ?? []).every((wanted) => labelMatches(wanted, labels)) &&
      !(filters.get('label!') ?? []).some((unwanted) => labelMatches(unwanted, labels)),
  };
}

/** Whether a filter of one truth value says yes; undefined where it says nothing. @throws ApiError 400 */
export function truthOf(filters: Filters, key: string): boolean | undefined {
  const values = filters.get(key) ?? [];
  const known: Readonly<Record<string, boolean>> = { '1': true, true: true, '0': false, false: false };
  const [value, ...others] = values.map((text) => known[text.toLowerCase()]);
  if (values.length > 0 && (value === undefined || others.some((other) => other !== value))) {
    throw new ApiError(400, `invalid filter '${key}=[${values.join(' ').slice(0, 80)}]': it is one of true and false`);
  }
  return value;
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `24h`, `1h30m` before now; seconds since 1970; RFC 3339. @throws ApiError 400 */
export function momentBefore(text: string, nowMs: number): number {
  if (/^(\d+(ms|[smh]))+$/.test(text)) {
    return [...text.matchAll(/(\d+)(ms|[smh])/g)].reduce((ms, [, count, unit = '']) => ms - Number(count) * (UNITS_MS[unit] ?? 0), nowMs);
  }
  const ms = /^\d+(\.\d*)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text);
  if (Number.isFinite(ms)) return ms;
  throw new ApiError(400, `invalid filter 'until=${text.slice(0, 80)}': write 24h, seconds since 1970 or an RFC 3339 time`);
}
