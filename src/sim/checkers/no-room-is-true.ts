import { DISCOVERY } from '../../core/discovery/tunables.ts';
import type { NodeId, Request } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Checker, Issued, Watched } from './checker.ts';
import { couldTake } from './could-take.ts';

interface Roomy {
  readonly request: Request;
  readonly exclude: readonly NodeId[];
  /** Nodes that could have taken it all the time since it was asked for. */
  readonly nodes: Set<SimNode>;
}

/**
 * DESIGN §6, small instances: without faults a run of at most 64 alive nodes is refused only when no node
 * could have taken it all the time from command to refusal, by everything that the request asks for.
 */
export function noRoomIsTrue(): Checker {
  /** Runs under way. */
  const roomy = new Map<Issued, Roomy>();
  return {
    name: 'no room is true',
    onCommand(world, issued) {
      if (issued.command.kind !== 'run' || !world.calm || !isSmall(world)) return;
      const { request, exclude } = issued.command;
      const nodes = new Set(world.nodes.filter((node) => couldTake(node, request, exclude)));
      roomy.set(issued, { request, exclude, nodes });
    },
    onStep(_world, node) {
      for (const { request, exclude, nodes } of roomy.values()) {
        if (nodes.has(node) && !couldTake(node, request, exclude)) nodes.delete(node);
      }
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

const isSmall = ({ nodes }: Watched): boolean => nodes.filter((node) => !node.gone).length <= DISCOVERY.smallInstance;

function sentence(run: Roomy, message: string): string {
  const { cpuMillicores, memoryBytes } = run.request.resources;
  const free = [...run.nodes].map((node) => `${node.name} had ${JSON.stringify(node.core?.resources().free)} free`);
  return `${cpuMillicores} m and ${memoryBytes} bytes were refused ("${message}") while ${free.join(', ')} all the time`;
}
