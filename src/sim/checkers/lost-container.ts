import { shortId } from '../../core/model/index.ts';
import type { ContainerId } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Checker, Watched } from './checker.ts';

/**
 * A container that was acknowledged as placed stays on its node until a user removes it, over every restart,
 * reboot and move of the node: in the store at every moment, in the core whenever one is up, and at rest in
 * the engine, too. Nodes that left for good take theirs with them; `--rm` containers go by themselves.
 */
export function lostContainer(): Checker {
  const kept = new Map<SimNode, Set<ContainerId>>();
  const mayGo = new Set<ContainerId>();
  const lost = (world: Watched, node: SimNode, id: ContainerId, where: string): void => {
    kept.get(node)?.delete(id);
    world.violate('lost container', 'correctness', `${node.name} has lost ${shortId(id)} from its ${where}, and nobody removed it`);
  };
  return {
    name: 'lost container',
    onCommand(_world, { command }) {
      if (command.kind !== 'remove') return;
      mayGo.add(command.containerId);
      for (const ids of kept.values()) ids.delete(command.containerId);
    },
    onReply(world, { command }, result) {
      if (command.kind !== 'run' || !result.ok || result.kind !== 'placed') return;
      const id = command.request.containerId;
      const node = world.nodes.find((candidate) => candidate.id === result.supplier);
      if (node === undefined || mayGo.has(id) || command.request.autoRemove) return;
      const ids = kept.get(node) ?? new Set();
      kept.set(node, ids.add(id));
    },
    onStep(world, node) {
      if (node.gone) return;
      for (const id of kept.get(node) ?? []) {
        if (node.store.get(id) === undefined) lost(world, node, id, 'store');
        else if (node.core !== undefined && node.core.container(id) === undefined) lost(world, node, id, 'memory');
      }
    },
    atRest(world) {
      for (const [node, ids] of kept) {
        for (const id of ids) if (!node.gone && !node.engine.has(id)) lost(world, node, id, 'engine');
      }
    },
  };
}
