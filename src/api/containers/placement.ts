import type { Container, Placement } from '../../core/model/index.ts';
import type { PlacementRow } from '../../docker-api/caravela-types.ts';
import type { Backend } from '../backend.ts';
import { ApiError } from '../http/api-error.ts';

/** How a container came to its node. @throws ApiError 404 where that was not kept */
export function placementOf(backend: Backend, container: Container): PlacementRow {
  if (container.placement === '') throw new ApiError(404, `how ${container.name} was placed was not kept`);
  return placementRow(backend, JSON.parse(container.placement) as Placement);
}

/** Names are those that this node knows now. */
export function placementRow(backend: Backend, placement: Placement): PlacementRow {
  const names = new Map(backend.members().map((m) => [m.id, m.name]));
  const self = backend.self();
  names.set(self.id, self.name);
  const { requestId, wanted, policy, buyer, supplier, attempts, by, tookMs, considered, givenUp } = placement;
  const buyerName = names.get(buyer);
  const supplierName = supplier === undefined ? undefined : names.get(supplier);
  return {
    requestId,
    wanted: { ...wanted },
    policy,
    buyer,
    ...(buyerName === undefined ? {} : { buyerName }),
    ...(supplier === undefined ? {} : { supplier }),
    ...(supplierName === undefined ? {} : { supplierName }),
    attempts,
    by,
    tookMs,
    considered: considered.map(({ nodeId, name, accepted, reason, detail, free, score }) => ({
      nodeId,
      name,
      accepted,
      ...(reason === undefined ? {} : { reason }),
      detail,
      ...(free === undefined ? {} : { free: { ...free } }),
      ...(score === undefined ? {} : { score }),
    })),
    ...(givenUp === undefined || givenUp.length === 0 ? {} : { givenUp: [...givenUp] }),
  };
}
