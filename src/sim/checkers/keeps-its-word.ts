import { shortId } from '../../core/model/index.ts';
import type { ContainerId } from '../../core/model/index.ts';
import type { Checker } from './checker.ts';

/** A run that failed with nothing changed has left no container anywhere, once all is at rest. */
export function keepsItsWord(): Checker {
  const refused = new Set<ContainerId>();
  return {
    name: 'keeps its word',
    onReply(_world, { command }, result) {
      if (command.kind === 'run' && !result.ok && !result.error.changed) refused.add(command.request.containerId);
    },
    atRest(world) {
      for (const node of world.nodes) {
        for (const id of node.store.ids()) {
          if (!refused.has(id) || node.gone) continue;
          world.violate('keeps its word', 'correctness', `${node.name} has ${shortId(id)} of a run that failed with nothing changed`);
        }
      }
    },
  };
}
