import { formatIpv4 } from '../../lib/ipv4.ts';
import { NO_VERSION, newerVersion, shortId } from '../../core/model/index.ts';
import type { NodeId } from '../../core/model/index.ts';
import { Ring } from '../../core/ring/ring.ts';
import { SIM_ALIAS, SIM_NETWORK, endpointsOf } from '../host/sim-shell.ts';
import type { Checker, Watched } from './checker.ts';

/**
 * What daemons tell their cores reaches everybody: at rest each running container is found by name, alias and
 * address on its network, and nobody else is; and every node has the newest agreed state.
 */
export const toldEverywhere: Checker = {
  name: 'told everywhere',
  atRest(world) {
    for (const problem of untold(world)) world.violate('told everywhere', 'liveness', problem);
  },
};

/** What has not come round yet, at most a few of it. */
export function untold(world: Watched): readonly string[] {
  return [...staleEndpoints(world), ...staleVersions(world)].slice(0, 5);
}

function* staleEndpoints({ nodes }: Watched): Generator<string> {
  const ring = new Ring();
  for (const node of nodes) if (node.up) ring.add(node.id);
  const wanted = new Set<string>();
  for (const node of nodes) {
    for (const container of node.core?.containers() ?? []) {
      for (const { address } of endpointsOf(container)) {
        const value = formatIpv4(address);
        for (const name of [container.name.toLowerCase(), SIM_ALIAS, value])
          wanted.add(`${container.request.containerId} ${name} ${value} ${node.id}`);
      }
    }
  }
  for (const node of nodes) {
    for (const { key, containerId, value, node: at } of node.core?.names() ?? []) {
      if (key.kind !== 'endpoint') continue;
      const line = `${containerId} ${key.name} ${value} ${at}`;
      const isOwner = ring.owner(`endpoint/${SIM_NETWORK}/${key.name}`) === node.id;
      if (isOwner && wanted.delete(line)) continue;
      if (isOwner || !isFormer(nodes, at, containerId, value))
        yield `${node.name} has ${shortId(containerId)} as ${key.name} at ${value}, which it is not`;
    }
  }
  for (const line of wanted) yield `nobody finds ${line}`;
}

/** A key's former owner keeps what is true still until it runs out, or hears otherwise. */
function isFormer(nodes: Watched['nodes'], at: NodeId, id: string, value: string): boolean {
  const containers = nodes.find((node) => node.id === at)?.core?.containers() ?? [];
  return containers.some(
    (container) => container.request.containerId === id && endpointsOf(container).some(({ address }) => formatIpv4(address) === value),
  );
}

function* staleVersions({ nodes }: Watched): Generator<string> {
  const up = nodes.filter((node) => node.up && !node.gone);
  const newest = up.reduce((best, { shell }) => (newerVersion(shell.agreed, best) ? shell.agreed : best), NO_VERSION);
  for (const { name, shell } of up) {
    if (newerVersion(newest, shell.agreed)) yield `${name} has agreed state ${shell.agreed.revision}, others have ${newest.revision}`;
  }
}
