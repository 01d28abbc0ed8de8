import { shortId } from '../../core/model/index.ts';
import type { ContainerId } from '../../core/model/index.ts';
import type { Checker } from './checker.ts';

/** A container whose removal was acknowledged never comes back, whatever dies and whatever arrives late. */
export function staysRemoved(): Checker {
  const removed = new Set<ContainerId>();
  return {
    name: 'stays removed',
    onReply(_world, { command }, result) {
      if (command.kind === 'remove' && result.ok) removed.add(command.containerId);
    },
    onStep(world, node) {
      if (removed.size === 0) return;
      for (const id of node.store.ids()) {
        if (!removed.delete(id)) continue;
        world.violate('stays removed', 'correctness', `${node.name} has ${shortId(id)}, which it said was removed`);
      }
    },
  };
}
