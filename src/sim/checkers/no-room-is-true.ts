import { CPU_CLASSES, fits } from '../../core/model/index.ts';
import type { Request } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Checker, Issued, Watched } from './checker.ts';

/**
 * DESIGN §6, small instances: without faults a run of at most 64 alive nodes is refused only when no
 * node had room for it all the time from command to refusal.
 */
export function noRoomIsTrue(): Checker {
  /** Runs under way, with the nodes that have had room since they began. */
  const roomy = new Map<Issued, { readonly request: Request; readonly nodes: Set<SimNode> }>();
  return {
    name: 'no room is true',
    onCommand(world, issued) {
      if (issued.command.kind !== 'run' || !world.calm || world.nodes.length > 64) return;
      const { request, exclude } = issued.command;
      const nodes = world.nodes.filter((node) => !exclude.includes(node.id) && hasRoom(node, request));
      roomy.set(issued, { request, nodes: new Set(nodes) });
    },
    onStep(_world, node) {
      for (const { request, nodes } of roomy.values()) if (nodes.has(node) && !hasRoom(node, request)) nodes.delete(node);
    },
    onReply(world, issued, result) {
      const run = roomy.get(issued);
      roomy.delete(issued);
      if (run === undefined || result.ok || !world.calm || run.nodes.size === 0) return;
      if (result.error.code === 'no-room') world.violate('no room is true', 'correctness', sentence(run, result.error.message));
    },
    atRest(_world: Watched) {
      roomy.clear();
    },
  };
}

function hasRoom(node: SimNode, request: Request): boolean {
  const { core, record } = node;
  return (
    core !== undefined &&
    !core.self().draining &&
    CPU_CLASSES.indexOf(record.class) >= CPU_CLASSES.indexOf(request.class) &&
    fits(request.resources, core.resources().free)
  );
}

function sentence(run: { readonly request: Request; readonly nodes: ReadonlySet<SimNode> }, message: string): string {
  const { cpuMillicores, memoryBytes } = run.request.resources;
  const free = [...run.nodes].map((node) => `${node.name} had ${JSON.stringify(node.core?.resources().free)} free`);
  return `${cpuMillicores} m and ${memoryBytes} bytes were refused ("${message}") while ${free.join(', ')} all the time`;
}
