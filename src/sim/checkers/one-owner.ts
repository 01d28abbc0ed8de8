import type { ContainerId } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Checker } from './checker.ts';

/**
 * DESIGN §2.2: a container belongs to one node for ever. No id is in two nodes' stores or engines at a
 * time; one that was reported as placed is never anywhere else; one that a node failed to create and
 * has forgotten may be launched elsewhere.
 */
export function oneOwner(): Checker {
  const owners = new Map<ContainerId, SimNode>();
  const placed = new Map<ContainerId, SimNode>();
  return {
    name: 'one owner',
    onStep(world, node) {
      for (const id of containersOf(node)) {
        const owner = placed.get(id) ?? owners.get(id);
        owners.set(id, node);
        if (owner === undefined || owner === node) continue;
        if (placed.has(id) || owner.store.get(id) !== undefined || owner.engine.has(id)) {
          world.violate('one owner', 'correctness', `container ${id.slice(0, 12)} of ${owner.name} is on ${node.name}, too`);
        }
      }
    },
    onReply(world, _issued, result) {
      if (!result.ok || result.kind !== 'placed') return;
      const id = result.containerId;
      const owner = owners.get(id);
      if (owner !== undefined) placed.set(id, owner);
      if (owner?.id === result.supplier) return;
      const where = owner === undefined ? 'nowhere' : `on ${owner.name}`;
      world.violate('one owner', 'correctness', `container ${id.slice(0, 12)} is said to be placed but was recorded ${where}`);
    },
  };
}

function* containersOf(node: SimNode): Generator<ContainerId> {
  yield* node.store.ids();
  yield* node.engine.ids();
}
