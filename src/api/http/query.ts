import { fractionMs } from '../../lib/fraction-ms.ts';
import { API_LIMITS } from '../limits.ts';
import { ApiError } from './api-error.ts';

/** A query string, parsed by fastify: a repeated key is an array, of which Docker reads the first. */
export type Query = Readonly<Record<string, unknown>>;

export function textOf(query: Query, key: string): string {
  const value = query[key];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : '';
}

/** Every value of a key that may be repeated. */
export function allOf(query: Query, key: string): readonly string[] {
  const value = query[key];
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  return all.filter((each): each is string => typeof each === 'string');
}

/** As Docker's daemon reads booleans: absent, empty, 0, no, false and none are false; all else is true. */
export function flagOf(query: Query, key: string): boolean {
  return !['', '0', 'no', 'false', 'none'].includes(textOf(query, key).trim().toLowerCase());
}

/** A whole number, or undefined where absent or empty. @throws ApiError 400 */
export function wholeOf(query: Query, key: string): number | undefined {
  const text = textOf(query, key);
  if (text === '') return undefined;
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new ApiError(400, `${key} must be a whole number, got ${JSON.stringify(text)}`);
  }
  return value;
}

/**
 * A moment in wall-clock ms: seconds since 1970 with an optional fraction, as Docker's clients send
 * it, or RFC 3339. Absent, empty and 0 are undefined. @throws ApiError 400
 */
export function momentOf(query: Query, key: string): number | undefined {
  const text = textOf(query, key);
  if (text === '' || text === '0') return undefined;
  const seconds = /^(\d+)(?:\.(\d*))?$/.exec(text);
  // The same moment of a log's line has to be the same number, to the last digit.
  const ms =
    seconds === null
      ? Date.parse(text.replace(/\.\d+/, '')) + fractionMs(/\.(\d+)/.exec(text)?.[1] ?? '')
      : Number(seconds[1]) * 1000 + fractionMs(seconds[2] ?? '');
  if (!Number.isFinite(ms)) throw new ApiError(400, `${key} must be seconds since 1970 or an RFC 3339 time, got ${JSON.stringify(text)}`);
  return ms;
}

export type Filters = ReadonlyMap<string, readonly string[]>;

/**
 * Docker's filters: JSON of `{"status":["running"]}`, or of the older form `{"status":{"running":true}}`.
 * @param known the keys this route has. @throws ApiError 400
 */
export function filtersOf(query: Query, known: readonly string[]): Filters {
  const text = textOf(query, 'filters');
  const filters = new Map<string, readonly string[]>();
  if (text === '') return filters;
  for (const [key, value] of Object.entries(objectOf(text))) {
    if (!known.includes(key)) throw new ApiError(400, `invalid filter '${key}': this list can be filtered by ${known.join(', ')}`);
    const values = valuesOf(value);
    if (values === undefined || values.length > API_LIMITS.filterValues) {
      throw new ApiError(400, `filter '${key}' must be a list of at most ${API_LIMITS.filterValues} strings, got ${brief(value)}`);
    }
    if (values.length > 0) filters.set(key, values);
  }
  return filters;
}

function objectOf(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ApiError(400, `filters must be JSON, got ${brief(text)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ApiError(400, `filters must be a JSON object, got ${brief(value)}`);
  }
  return value;
}

function valuesOf(value: unknown): string[] | undefined {
  if (Array.isArray(value)) return value.every((v): v is string => typeof v === 'string') ? value : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).flatMap(([name, on]) => (on === true ? [name] : []));
}

const brief = (value: unknown): string => JSON.stringify(value).slice(0, 80);
