import { portWords, portsClash, shortId } from '../../core/model/index.ts';
import type { Container, ContainerId, Request } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Checker } from './checker.ts';

/**
 * No two containers of a node have one port of its host, running or not; and none is launched onto a port or a
 * network that the node had been told its host can't give.
 */
export function onePort(): Checker {
  const known = new Map<SimNode, { readonly generation: number; readonly ids: Set<ContainerId> }>();
  return {
    name: 'one port',
    onStep(world, node) {
      const containers = node.core?.containers() ?? [];
      const before = known.get(node);
      const isSame = before?.generation === node.generation;
      const ids = isSame ? before.ids : new Set<ContainerId>();
      if (!isSame) known.set(node, { generation: node.generation, ids });
      for (const [at, { request }] of containers.entries()) {
        if (ids.has(request.containerId)) continue;
        ids.add(request.containerId);
        const problem = clash(request, containers.slice(0, at)) ?? (isSame ? denied(request, node) : undefined);
        if (problem !== undefined) world.violate('one port', 'correctness', `${shortId(request.containerId)} on ${node.name} ${problem}`);
      }
    },
    atRest(world) {
      for (const node of world.nodes) {
        const containers = node.store.containers();
        for (const [at, { request }] of containers.entries()) {
          const problem = clash(request, containers.slice(0, at));
          if (problem !== undefined) world.violate('one port', 'correctness', `${shortId(request.containerId)} of ${node.name} ${problem}`);
        }
      }
    },
  };
}

function clash({ hostPorts }: Request, others: readonly Container[]): string | undefined {
  for (const port of hostPorts) {
    const other = others.find(({ request }) => request.hostPorts.some((theirs) => portsClash(port, theirs)));
    if (other !== undefined) return `has port ${portWords(port)}, which ${shortId(other.request.containerId)} has`;
  }
  return undefined;
}

function denied({ hostPorts, vnis }: Request, { facts: { busyPorts, closedNetworks } }: SimNode): string | undefined {
  const port = hostPorts.find((one) => busyPorts.some((busy) => portsClash(one, busy)));
  if (port !== undefined) return `was launched onto port ${portWords(port)}, which its host has taken`;
  const network = closedNetworks.find(({ vni }) => vnis.includes(vni));
  return network === undefined ? undefined : `was launched onto network ${network.vni}, which its host can't be on`;
}
