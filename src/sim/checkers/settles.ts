import { NO_RESOURCES, add, sameResources, shortId } from '../../core/model/index.ts';
import type { Container } from '../../core/model/index.ts';
import type { CoreNode } from '../../core/node/port.ts';
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
      for (const problem of unsettled(node)) world.violate('settles', 'liveness', `${node.name} ${problem}`);
    }
  },
};

/** What is not at rest on a node. */
export function unsettled(node: SimNode): readonly string[] {
  const { core } = node;
  if (core === undefined) return [];
  return [...openWork(core), ...core.containers().flatMap((container) => [...unlike(node, container)]), ...leftOvers(node, core)];
}

function* openWork(core: CoreNode): Generator<string> {
  const { held, holds } = core.resources();
  if (holds > 0) yield `still has ${holds} holds`;
  if (core.runs().length > 0) yield `still works on ${core.runs().length} runs`;
  const holding = core.containers().filter((container) => container.holding);
  const recorded = holding.reduce((sum, container) => add(sum, container.request.resources), NO_RESOURCES);
  if (!sameResources(held, recorded)) yield `counts ${JSON.stringify(held)} as held, its records say ${JSON.stringify(recorded)}`;
}

/** Where core, store and engine differ about a container. */
function* unlike(node: SimNode, container: Container): Generator<string> {
  const id = container.request.containerId;
  const stored = node.store.get(id);
  if (stored === undefined) yield `has container ${shortId(id)} in memory only`;
  else if (differ(container, stored)) {
    yield `has ${shortId(id)} ${describe(container)} in memory, ${describe(stored)} in the store`;
  }
  const runs = node.engine.runningTask(id)?.slice(-6);
  const believed = container.task?.state === 'running' ? container.task.id.slice(-6) : undefined;
  if (runs !== believed) yield `takes ${believed ?? 'no task'} of ${shortId(id)} for running, its engine runs ${runs ?? 'none'}`;
  const isPaused = container.task?.paused === true;
  if (isPaused !== node.engine.isPaused(id)) yield `takes ${shortId(id)} for ${isPaused ? '' : 'not '}paused, its engine does not`;
  const spec = node.engine.specOf(id);
  if (spec !== undefined && spec !== container.request.spec) yield `has another spec of ${shortId(id)} than its engine`;
  if (container.updating !== undefined) yield `still updates ${shortId(id)}`;
  if (container.readiness === 'preparing') yield `still prepares ${shortId(id)}`;
}

function* leftOvers(node: SimNode, core: CoreNode): Generator<string> {
  for (const id of node.store.ids()) if (core.container(id) === undefined) yield `has forgotten ${shortId(id)}, its store has not`;
  for (const id of node.engine.ids()) if (core.container(id) === undefined) yield `has forgotten ${shortId(id)}, its engine has not`;
}

function differ(a: Container, b: Container): boolean {
  return (
    a.desired !== b.desired ||
    a.task?.state !== b.task?.state ||
    (a.task?.paused === true) !== (b.task?.paused === true) ||
    a.holding !== b.holding ||
    a.name !== b.name ||
    a.request.spec !== b.request.spec ||
    !sameResources(a.request.resources, b.request.resources)
  );
}

function describe({ desired, task, holding, name, request }: Container): string {
  const state = `${task?.state ?? 'no task'}${task?.paused === true ? ' and paused' : ''}`;
  return `${desired}/${state}${holding ? '/holding' : ''} as ${name} with ${JSON.stringify(request.resources)}`;
}
