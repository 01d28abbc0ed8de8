import { affinityWords, isMeant } from '../../core/model/affinity.ts';
import { shortId } from '../../core/model/index.ts';
import type { Container, ContainerId } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Checker } from './checker.ts';

/** A container's hard affinities are met by what is on its node at the moment of its launch; what comes or goes later is not its concern. */
export function affinitiesHold(): Checker {
  const known = new Map<SimNode, { readonly generation: number; readonly ids: Set<ContainerId> }>();
  return {
    name: 'affinities hold',
    onStep(world, node) {
      const containers = node.core?.containers() ?? [];
      const before = known.get(node);
      if (before === undefined || before.generation !== node.generation) {
        known.set(node, { generation: node.generation, ids: new Set(containers.map(({ request }) => request.containerId)) });
        return;
      }
      for (const [at, { request }] of containers.entries()) {
        if (before.ids.has(request.containerId)) continue;
        before.ids.add(request.containerId);
        // In order of their launches: of two in one step the later sees the earlier.
        const problem = brokenBy(request, containers.slice(0, at));
        if (problem !== undefined)
          world.violate('affinities hold', 'correctness', `${shortId(request.containerId)} on ${node.name} ${problem}`);
      }
    },
  };
}

function brokenBy({ affinities }: Container['request'], there: readonly Container[]): string | undefined {
  for (const affinity of affinities.filter(({ soft }) => !soft)) {
    const found = there.some(({ request, name }) => isMeant(affinity, { ...request, name }));
    if (found !== (affinity.operator === '==')) return `was launched against ${affinityWords(affinity)}`;
  }
  return undefined;
}
