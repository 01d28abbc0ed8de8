import type { ContainerId, RequestId } from '../../core/model/index.ts';
import { misplaced } from './all-or-nothing.ts';
import type { Checker } from './checker.ts';

/** A plan holds nothing, launches nothing and claims no name, and what it says keeps to the stack's groups. */
export function plansChangeNothing(): Checker {
  const requests = new Set<RequestId>();
  const containers = new Set<ContainerId>();
  return {
    name: 'plans change nothing',
    onCommand(_world, { command }) {
      if (command.kind !== 'plan') return;
      for (const { request } of command.stack.parts) {
        requests.add(request.id);
        containers.add(request.containerId);
      }
    },
    onEvent(world, node, event) {
      if (event.kind === 'hold-made' && requests.has(event.requestId)) {
        world.violate('plans change nothing', 'correctness', `${node.name} holds for a plan`);
      }
    },
    onReply(world, { command }, result) {
      if (command.kind !== 'plan' || !result.ok || result.kind !== 'planned') return;
      for (const problem of misplaced(command.stack, result.parts)) world.violate('plans change nothing', 'correctness', problem);
    },
    atRest(world) {
      for (const node of world.nodes) {
        for (const id of node.store.ids()) {
          if (containers.has(id)) world.violate('plans change nothing', 'correctness', `${node.name} has a container of a plan`);
        }
        for (const { containerId } of node.core?.names() ?? []) {
          if (containers.has(containerId)) world.violate('plans change nothing', 'correctness', `${node.name} keeps a name for a plan`);
        }
      }
    },
  };
}
