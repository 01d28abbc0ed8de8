import { portWords, portsClash, shortId } from '../../core/model/index.ts';
import type { ContainerId, Stack, StackPlacement } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Checker, Watched } from './checker.ts';

/**
 * DESIGN §6, Groups. A stack that was placed is there as a whole: its co-location groups each on one node,
 * its spread groups on as many nodes as they have parts, everything kept until a user removes it. One
 * that was refused has left nothing once all is at rest, unless the reply said that something was changed;
 * without faults it never says so.
 */
export function allOrNothing(): Checker {
  const placed = new Map<ContainerId, SimNode>();
  const refused = new Set<ContainerId>();
  const removed = new Set<ContainerId>();
  return {
    name: 'all or nothing',
    onCommand(_world, { command }) {
      if (command.kind !== 'remove') return;
      removed.add(command.containerId);
      placed.delete(command.containerId);
    },
    onReply(world, { command }, result) {
      if (command.kind !== 'run-stack') return;
      const { stack } = command;
      if (!result.ok) {
        if (!result.error.changed) for (const { request } of stack.parts) refused.add(request.containerId);
        else if (world.calm)
          world.violate('all or nothing', 'correctness', `in calm a stack could not be taken back: ${result.error.message}`);
        return;
      }
      if (result.kind !== 'stack-placed') return;
      for (const problem of misplaced(stack, result.parts)) world.violate('all or nothing', 'correctness', problem);
      for (const [i, { containerId, supplier }] of result.parts.entries()) {
        const node = world.nodes.find(({ id }) => id === supplier);
        if (node === undefined || removed.has(containerId) || stack.parts[i]?.request.autoRemove === true) continue;
        if (node.store.get(containerId) === undefined) {
          world.violate('all or nothing', 'correctness', `${node.name} has no ${shortId(containerId)}, which was said to be placed there`);
        }
        placed.set(containerId, node);
      }
    },
    atRest(world) {
      for (const problem of [...lost(placed), ...left(world, refused)]) world.violate('all or nothing', 'correctness', problem);
    },
  };
}

/** What is not as its groups ask for; also of a plan. */
export function* misplaced(stack: Stack, parts: readonly StackPlacement[]): Generator<string> {
  yield* meeting(stack, parts);
  if (parts.some(({ containerId }, i) => containerId !== stack.parts[i]?.request.containerId))
    yield 'the parts of a stack are told in another order';
  for (const { name, policy } of stack.groups) {
    const nodes = parts.filter((_, i) => stack.parts[i]?.group === name).map(({ supplier }) => supplier);
    const different = new Set(nodes).size;
    if (nodes.length === 0) continue;
    if (policy === 'spread' && different < nodes.length) yield `${nodes.length} parts of a spread group are on ${different} nodes`;
    if (policy === 'co-location' && different > 1) yield `a co-location group is on ${different} nodes`;
  }
}

/** Two parts that want one port. */
function* meeting(stack: Stack, parts: readonly StackPlacement[]): Generator<string> {
  for (const [i, a] of parts.entries()) {
    for (const [j, b] of parts.entries()) {
      if (i >= j || a.supplier !== b.supplier) continue;
      const theirs = stack.parts[j]?.request.hostPorts ?? [];
      const port = stack.parts[i]?.request.hostPorts.find((one) => theirs.some((other) => portsClash(one, other)));
      if (port !== undefined) yield `two parts that want port ${portWords(port)} are on one node`;
    }
  }
}

function* lost(placed: ReadonlyMap<ContainerId, SimNode>): Generator<string> {
  for (const [id, node] of placed) {
    if (!node.gone && node.store.get(id) === undefined) yield `${node.name} has lost ${shortId(id)} of a stack, and nobody removed it`;
  }
}

function* left({ nodes }: Watched, refused: ReadonlySet<ContainerId>): Generator<string> {
  for (const node of nodes) {
    if (node.gone) continue;
    for (const id of node.store.ids())
      if (refused.has(id)) yield `${node.name} has ${shortId(id)} of a stack that was refused with nothing changed`;
  }
}
