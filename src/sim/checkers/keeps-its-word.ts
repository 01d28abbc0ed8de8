import { shortId } from '../../core/model/index.ts';
import type { ContainerId } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Checker } from './checker.ts';

/**
 * What a run's reply said holds at rest: a placed container is still in its node's store unless a
 * user removed it, and a run that failed with nothing changed has left no container anywhere.
 */
export function keepsItsWord(): Checker {
  const placed = new Map<ContainerId, SimNode>();
  const refused = new Set<ContainerId>();
  return {
    name: 'keeps its word',
    onCommand(_world, { command }) {
      if (command.kind === 'remove') placed.delete(command.containerId);
    },
    onReply(world, { command }, result) {
      if (command.kind !== 'run') return;
      const id = command.request.containerId;
      if (!result.ok && !result.error.changed) refused.add(id);
      if (!result.ok || result.kind !== 'placed') return;
      const node = world.nodes.find((candidate) => candidate.id === result.supplier);
      if (node !== undefined) placed.set(id, node);
    },
    atRest(world) {
      for (const [id, node] of placed) {
        const lost = !node.gone && node.store.get(id) === undefined;
        if (lost) world.violate('keeps its word', 'correctness', `${node.name} has lost ${shortId(id)}, which nobody removed`);
      }
      for (const node of world.nodes) {
        for (const id of node.store.ids()) {
          if (!refused.has(id) || node.gone) continue;
          world.violate('keeps its word', 'correctness', `${node.name} has ${shortId(id)} of a run that failed with nothing changed`);
        }
      }
    },
  };
}
