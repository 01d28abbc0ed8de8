import { CPU_CLASSES, fits } from '../../core/model/index.ts';
import type { Affinity, Constraint, Container, HostPort, MemberRecord, NodeId, Request } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';

/**
 * What a request asks of a node, read from the model's words and not from the core's filters, so that the
 * two can disagree. Wishes (soft ones) don't count.
 */
export function couldTake(node: SimNode, request: Request, exclude: readonly NodeId[]): boolean {
  const { core } = node;
  if (core === undefined) return false;
  const self = core.self();
  return (
    !self.draining &&
    self.state === 'alive' &&
    !exclude.includes(node.id) &&
    suits(self, request) &&
    request.affinities.every((affinity) => affinity.soft || keeps(affinity, core.containers())) &&
    fits(request.resources, core.resources().free) &&
    hasPorts(node, core.containers(), request)
  );
}

/** Where something is held, which may be a port, the answer is no. */
function hasPorts({ core, facts }: SimNode, containers: readonly Container[], { hostPorts, vnis }: Request): boolean {
  if (facts.closedNetworks.some(({ vni }) => vnis.includes(vni))) return false;
  if (hostPorts.length === 0) return true;
  const had = [...containers.flatMap(({ request }) => request.hostPorts), ...facts.busyPorts];
  const isFree = (a: HostPort): boolean =>
    had.every((b) => a.port !== b.port || a.protocol !== b.protocol || (a.ip !== b.ip && a.ip !== 0 && b.ip !== 0));
  return core?.resources().holds === 0 && hostPorts.every(isFree);
}

/** Whether a node is what a request wants by what does not change with load: class, architecture, hard constraints. */
export function suits(node: Omit<MemberRecord, 'incarnation'>, { class: cpuClass, arches, constraints }: Request): boolean {
  return (
    CPU_CLASSES.indexOf(node.class) >= CPU_CLASSES.indexOf(cpuClass) &&
    (arches.length === 0 || arches.includes(node.arch)) &&
    constraints.every((constraint) => constraint.soft || meets(constraint, node))
  );
}

function meets({ key, operator, value }: Constraint, node: Omit<MemberRecord, 'incarnation'>): boolean {
  const own = new Map([...Object.entries(node.labels), ['arch', node.arch], ['class', node.class]]);
  const values = key === 'node' ? [node.name, node.id] : [own.get(key)];
  return values.some((text) => text !== undefined && glob(value).test(text)) === (operator === '==');
}

/** Where it is not certain, since a container is about to go, the answer is no. */
function keeps({ subject, key, operator, value }: Affinity, containers: readonly Container[]): boolean {
  const matches = containers.filter(({ request, name }) => {
    if (subject === 'container') return glob(value).test(name) || glob(value).test(request.containerId);
    const text = subject === 'image' ? request.image : request.labels[key];
    return text !== undefined && glob(value).test(text);
  });
  return operator === '==' ? matches.some(({ desired }) => desired !== 'removed') : matches.length === 0;
}

function glob(pattern: string): RegExp {
  const literal = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${literal.join('.*')}$`, 's');
}
