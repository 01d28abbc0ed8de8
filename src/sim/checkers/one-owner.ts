import type { ContainerId } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Checker } from './checker.ts';

/** DESIGN §2.2: a container belongs to one node for ever. No id is in two stores, nor in two engines, ever. */
export function oneOwner(): Checker {
  const owners = new Map<ContainerId, SimNode>();
  return {
    name: 'one owner',
    onStep(world, node) {
      for (const id of containersOf(node)) {
        const owner = owners.get(id);
        if (owner === undefined) owners.set(id, node);
        else if (owner !== node) {
          world.violate('one owner', 'correctness', `container ${id.slice(0, 12)} of ${owner.name} is on ${node.name}, too`);
          owners.set(id, node);
        }
      }
    },
    onReply(world, _issued, result) {
      if (!result.ok || result.kind !== 'placed') return;
      const owner = owners.get(result.containerId);
      if (owner?.id !== result.supplier) {
        const where = owner === undefined ? 'nowhere' : `on ${owner.name}`;
        world.violate(
          'one owner',
          'correctness',
          `container ${result.containerId.slice(0, 12)} is said to be placed but was recorded ${where}`,
        );
      }
    },
  };
}

function* containersOf(node: SimNode): Generator<ContainerId> {
  yield* node.store.ids();
  yield* node.engine.ids();
}
