import type { Backend } from '../backend.ts';
import { pruneFilterOf } from '../http/prune-filter.ts';
import type { Query } from '../http/query.ts';
import { NetworkRefused } from '../network-service.ts';
import { askEndpoints } from './ask-endpoints.ts';
import { isPredefined } from './predefined.ts';

/**
 * Removes what no container is on. A network with addresses leased to a node that does not answer stays:
 * it may have containers there. @returns the names of those removed. @throws ApiError 400
 */
export async function pruneNetworks(backend: Backend, query: Query): Promise<readonly string[]> {
  const { untilMs = Infinity, isMeant } = pruneFilterOf(query, backend.wallMs());
  const { endpoints, silent } = await askEndpoints(backend, undefined, 'instance');
  const used = new Set(endpoints.map(({ network }) => network));
  const silentIds = new Set(silent.map(({ id }) => id));
  const removed: string[] = [];
  for (const network of backend.networks.list()) {
    if (isPredefined(network.name) || used.has(network.id) || network.createdAtMs > untilMs || !isMeant(network.labels)) continue;
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
