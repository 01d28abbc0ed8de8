import { TASK_STATES } from '../../core/model/index.ts';
import type { Container, ContainerId } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Checker } from './checker.ts';

/** A container's task number only grows, and the state of one task only moves to the right (SwarmKit's rule): what was made durable is never taken back. */
export function taskStates(): Checker {
  const seen = new Map<ContainerId, { readonly node: SimNode; readonly number: number; readonly state: number }>();
  return {
    name: 'task states',
    onStep(world, node) {
      for (const id of node.store.ids()) {
        const container = node.store.get(id) as Container;
        const now = { node, number: container.taskNumber, state: stateOf(container) };
        const before = seen.get(id);
        seen.set(id, now);
        if (before === undefined || before.node !== node) continue;
        if (now.number < before.number || (now.number === before.number && now.state < before.state)) {
          world.violate(
            'task states',
            'correctness',
            `task of ${id.slice(0, 12)} on ${node.name} went back from ${show(before)} to ${show(now)}`,
          );
        }
      }
    },
  };
}

function stateOf(container: Container): number {
  return container.task === undefined ? -1 : TASK_STATES.indexOf(container.task.state);
}

const show = (task: { readonly number: number; readonly state: number }): string => `${task.number}/${TASK_STATES[task.state] ?? 'none'}`;
