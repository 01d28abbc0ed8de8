import type { ContainerId, NodeId } from '../../core/model/index.ts';
import type { ApiContext } from '../context.ts';
import { SCOPE_HEADER } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';

/**
 * Removes a container that was placed for a client that is gone: the run ended before the leaving could
 * cancel it. Nobody knows the container's id: left where it is, it would hold name and room for ever.
 */
export async function takeBack({ backend }: ApiContext, name: string, containerId: ContainerId, supplier: NodeId): Promise<void> {
  backend.networks.releasePorts(containerId);
  try {
    if (supplier === backend.self().id) {
      const removed = await backend.command({ kind: 'remove', containerId, force: true, volumes: true });
      if (!removed.ok) throw new Error(removed.error.message);
    } else {
      const path = `/api/containers/${containerId}?force=1&v=1`;
      const headers = { [SCOPE_HEADER]: 'node' };
      const { status, body } = await backend.request(supplier, { method: 'DELETE', path, headers, timeoutMs: API_LIMITS.proxyHeadersMs });
      body.destroy();
      if (status >= 400 && status !== 404) throw new Error(`its node answered ${status}`);
    }
  } catch (error) {
    backend.log('warn', 'a container whose client had hung up could not be removed', { name, containerId, error: String(error) });
  }
}
