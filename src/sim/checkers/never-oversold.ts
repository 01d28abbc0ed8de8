import { NO_RESOURCES, add, fits } from '../../core/model/index.ts';
import type { Resources } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Checker } from './checker.ts';

/**
 * DESIGN §2.1: what a node's containers hold, by its store and by what its engine runs, is within
 * its capacity at every moment; and what the core counts as held covers it.
 */
export const neverOversold: Checker = {
  name: 'never oversold',
  onStep(world, node) {
    const { capacity } = node.record;
    const truth = heldIn(node);
    if (!fits(truth, capacity)) {
      world.violate('never oversold', 'correctness', `${node.name} holds ${show(truth)} of ${show(capacity)}`);
    }
    const core = node.core?.resources();
    if (core === undefined) return;
    if (!fits(core.held, capacity)) {
      world.violate('never oversold', 'correctness', `${node.name} counts ${show(core.held)} as held of ${show(capacity)}`);
    }
    const sum = add(core.held, core.free);
    if (!fits(sum, core.capacity)) {
      world.violate(
        'never oversold',
        'correctness',
        `${node.name} says ${show(core.held)} held and ${show(core.free)} free of ${show(core.capacity)}`,
      );
    }
    if (!fits(truth, core.held)) {
      world.violate(
        'never oversold',
        'correctness',
        `${node.name} counts ${show(core.held)} as held, store and engine hold ${show(truth)}`,
      );
    }
  },
};

/**
 * The containers that run in the engine, with what it lets them use: an update has that changed before its record. The
 * store's `holding` is the core's own claim and is compared at rest.
 */
function heldIn(node: SimNode): Resources {
  let sum = NO_RESOURCES;
  for (const id of node.engine.ids()) {
    const container = node.store.get(id);
    if (container !== undefined && node.engine.runningTask(id) !== undefined)
      sum = add(sum, node.engine.limitsOf(id) ?? container.request.resources);
  }
  return sum;
}

const show = (r: Resources): string => `${r.cpuMillicores} m and ${Math.round(r.memoryBytes / 1024 / 1024)} MiB`;
