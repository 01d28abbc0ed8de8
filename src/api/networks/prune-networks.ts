import type { AgreedNetwork } from '../../core/model/index.ts';
import type { Backend } from '../backend.ts';
import { labelMatches } from '../containers/list.ts';
import { ApiError } from '../http/api-error.ts';
import { filtersOf, type Query } from '../http/query.ts';
import { NetworkRefused } from '../network-service.ts';
import { askEndpoints } from './ask-endpoints.ts';
import { isPredefined } from './predefined.ts';

/**
 * Removes what no container is on. A network with addresses leased to a node that does not answer stays:
 * it may have containers there. @returns the names of those removed. @throws ApiError 400
 */
export async function pruneNetworks(backend: Backend, query: Query): Promise<readonly string[]> {
  const isMeant = pruneFilter(backend, query);
  const { endpoints, silent } = await askEndpoints(backend, undefined, 'instance');
  const used = new Set(endpoints.map(({ network }) => network));
  const silentIds = new Set(silent.map(({ id }) => id));
  const removed: string[] = [];
  for (const network of backend.networks.list()) {
    if (isPredefined(network.name) || used.has(network.id) || !isMeant(network)) continue;
    if (backend.networks.leases(network.id).some(({ node }) => silentIds.has(node))) continue;
    try {
      await backend.networks.remove(network.id);
      removed.push(network.name);
    } catch (error) {
      // Somebody took it, or was quicker: that is no failure of the others.
      if (!(error instanceof NetworkRefused && ['in-use', 'not-found'].includes(error.code))) throw error;
    }
  }
  return removed;
}

function pruneFilter(backend: Backend, query: Query): (network: AgreedNetwork) => boolean {
  const filters = filtersOf(query, ['until', 'label', 'label!']);
  const [until] = filters.get('until') ?? [];
  const untilMs = until === undefined ? Infinity : momentBefore(until, backend.wallMs());
  return ({ labels, createdAtMs }) =>
    createdAtMs <= untilMs &&
    (filters.get('label') ?? []).every((wanted) => labelMatches(wanted, labels)) &&
    !(filters.get('label!') ?? []).some((unwanted) => labelMatches(unwanted, labels));
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `24h`, `1h30m` before now; seconds since 1970; RFC 3339. @throws ApiError 400 */
function momentBefore(text: string, nowMs: number): number {
  if (/^(\d+(ms|[smh]))+$/.test(text)) {
    return [...text.matchAll(/(\d+)(ms|[smh])/g)].reduce((ms, [, count, unit = '']) => ms - Number(count) * (UNITS_MS[unit] ?? 0), nowMs);
  }
  const ms = /^\d+(\.\d*)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text);
  if (Number.isFinite(ms)) return ms;
  throw new ApiError(400, `invalid filter 'until=${text.slice(0, 80)}': write 24h, seconds since 1970 or an RFC 3339 time`);
}
