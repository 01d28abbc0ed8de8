import type { NetworkRow } from '../../docker-api/types.ts';
import type { Backend } from '../backend.ts';
import { labelMatches } from '../http/label-matches.ts';
import { ApiError } from '../http/api-error.ts';
import { type Filters, filtersOf, type Query } from '../http/query.ts';
import { networkRow } from './network-row.ts';
import { isPredefined, LOCAL_ROWS } from './predefined.ts';

const NETWORK_FILTERS = ['name', 'id', 'driver', 'label', 'scope', 'type', 'dangling'] as const;

export interface NetworkListOptions {
  readonly filters: Filters;
  /** Only those that no container is on; false: only those that one is on. */
  readonly dangling: boolean | undefined;
}

/** @throws ApiError 400 */
export function networkListOptions(query: Query): NetworkListOptions {
  const filters = filtersOf(query, NETWORK_FILTERS);
  for (const type of filters.get('type') ?? []) {
    if (!['custom', 'builtin'].includes(type))
      throw new ApiError(400, `invalid filter: 'type'='${type.slice(0, 80)}': a type is custom or builtin`);
  }
  const [dangling] = filters.get('dangling') ?? [];
  if (dangling !== undefined && !/^(1|0|true|false)$/i.test(dangling)) {
    throw new ApiError(400, `invalid filter 'dangling=${dangling.slice(0, 80)}': it is true or false`);
  }
  return { filters, dangling: dangling === undefined ? undefined : /^(1|true)$/i.test(dangling) };
}

/** By name. @param used ids of networks that a container is on, asked for where it matters */
export function listNetworks(backend: Backend, { filters, dangling }: NetworkListOptions, used: ReadonlySet<string>): NetworkRow[] {
  return [...backend.networks.list().map((network) => networkRow(backend, network)), ...LOCAL_ROWS]
    .filter((row) => [...filters].every(([key, values]) => matches(row, key, values)))
    .filter((row) => dangling === undefined || isDangling(row, used) === dangling)
    .sort((a, b) => (a.Name < b.Name ? -1 : 1));
}

export const isDangling = (row: NetworkRow, used: ReadonlySet<string>): boolean => !isPredefined(row.Name) && !used.has(row.Id);

/** Labels must all be there; of other values one does. */
function matches(row: NetworkRow, key: string, values: readonly string[]): boolean {
  if (key === 'label') return values.every((value) => labelMatches(value, row.Labels));
  return values.some((value) => FILTERS[key]?.(row, value) ?? true);
}

/** As Docker's: a part of the name, the beginning of the id, the others in full. */
const FILTERS: Readonly<Record<string, (row: NetworkRow, value: string) => boolean>> = {
  name: (row, value) => row.Name.includes(value.replaceAll(/^\^|\$$/g, '')) && (!/^\^.*\$$/.test(value) || row.Name === value.slice(1, -1)),
  id: (row, value) => row.Id.startsWith(value),
  driver: (row, value) => row.Driver === value,
  scope: (row, value) => row.Scope === value,
  type: (row, value) => (value === 'builtin') === isPredefined(row.Name),
};
