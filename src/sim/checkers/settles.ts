import { NO_RESOURCES, add, sameResources } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Checker } from './checker.ts';

/**
 * At rest no hold and no run is left, what a node counts as held is what its records say, the
 * records in memory are those in the store, and the engine has what they ask for.
 */
export const settles: Checker = {
  name: 'settles',
  atRest(world) {
    for (const node of world.nodes) {
      for (const problem of unsettled(node)) world.violate('settles', 'liveness', problem);
    }
  },
};

/** What is not at rest on a node. */
export function unsettled(node: SimNode): readonly string[] {
  const { core, name } = node;
  if (core === undefined) return [];
  const problems: string[] = [];
  const { held, holds } = core.resources();
  if (holds > 0) problems.push(`${name} still has ${holds} holds`);
  if (core.runs().length > 0) problems.push(`${name} still works on ${core.runs().length} runs`);
  let recorded = NO_RESOURCES;
  for (const container of core.containers()) {
    const id = container.request.containerId;
    if (container.holding) recorded = add(recorded, container.request.resources);
    const stored = node.store.get(id);
    if (stored === undefined) problems.push(`${name} has container ${id.slice(0, 12)} in memory only`);
    else if (stored.desired !== container.desired || stored.task?.state !== container.task?.state || stored.holding !== container.holding) {
      problems.push(`${name} has ${id.slice(0, 12)} ${describe(container)} in memory, ${describe(stored)} in the store`);
    }
    const runs = node.engine.runningTask(id);
    const believed = container.task?.state === 'running' ? container.task.id : undefined;
    if (runs !== believed)
      problems.push(
        `${name} takes ${believed?.slice(-6) ?? 'no task'} of ${id.slice(0, 12)} for running, the engine runs ${runs?.slice(-6) ?? 'none'}`,
      );
    if (container.readiness === 'preparing') problems.push(`${name} still prepares ${id.slice(0, 12)}`);
  }
  if (!sameResources(held, recorded)) {
    problems.push(
      `${name} counts ${held.cpuMillicores} m, ${held.memoryBytes} bytes as held, its records ${recorded.cpuMillicores} m, ${recorded.memoryBytes} bytes`,
    );
  }
  for (const id of node.store.ids())
    if (core.container(id) === undefined) problems.push(`${name} has forgotten ${id.slice(0, 12)} but its store has not`);
  for (const id of node.engine.ids()) if (core.container(id) === undefined) problems.push(`${name}'s engine still has ${id.slice(0, 12)}`);
  return problems;
}

const describe = (c: {
  readonly desired: string;
  readonly task: { readonly state: string } | undefined;
  readonly holding: boolean;
}): string => `${c.desired}/${c.task?.state ?? 'no task'}${c.holding ? '/holding' : ''}`;
