import type { Affinity, Constraint, NodeId } from '../../../core/model/index.ts';
import type { MountPoint } from '../../../docker-api/types.ts';
import type { MountWish } from '../../../engine/port.ts';
import type { Backend } from '../../backend.ts';
import type { ApiContext } from '../../context.ts';
import { ApiError } from '../../http/api-error.ts';
import { locate } from '../../instance/locate.ts';
import type { Scope } from '../../instance/scope.ts';
import { factsOf } from '../facts.ts';
import { hearingOf } from './around-own.ts';
import type { MountsAsked } from './check-mounts.ts';
import { inspectThere } from '../../instance/inspect-there.ts';
import { mountPointsOf } from './mount-facts.ts';
import { propagationOf, volumeOf } from './parse-binds.ts';

/** What is mounted, and where a container must therefore go. */
export interface SettledMounts {
  readonly mounts: readonly MountWish[];
  readonly asked: MountsAsked['asked'];
  readonly constraints: readonly Constraint[];
  readonly affinities: readonly Affinity[];
}

/**
 * Names the volumes that nobody named, and finds those of other containers. A bind mount is of the node that was asked,
 * unless a constraint names one; a named volume is where it is. @throws ApiError 400, 409
 */
export async function settleMounts(
  context: ApiContext,
  { mounts: wished, propagated, volumesFrom, asked }: MountsAsked,
  constraints: readonly Constraint[],
  scope: Scope,
): Promise<SettledMounts> {
  const { backend } = context;
  const { dataDir, runDir } = backend.host();
  const mounts = wished.map((mount) =>
    mount.kind === 'bind' ? hearingOf(mount, propagated.includes(mount.target), [dataDir, runDir]) : mount,
  );
  // Docker: a volume that nobody named gives way to what another container has there.
  const unnamed = mounts.filter((mount) => mount.kind === 'volume' && mount.name === '');
  const named = mounts.filter((mount) => !unnamed.includes(mount));
  const taken = new Set(named.map(({ target }) => target));
  const affinities: Affinity[] = [];
  const others: MountWish[] = [];
  for (const { container, readOnly } of volumesFrom) {
    const { id, points } = await mountsOf(context, container, scope);
    const given = points.flatMap((point) => wishOf(point, readOnly) ?? []).filter(({ target }) => !taken.has(target));
    if (given.length > 0) affinities.push({ subject: 'container', key: '', operator: '==', value: id, soft: false });
    for (const { target } of given) taken.add(target);
    others.push(...given);
  }
  const fresh = unnamed.filter(({ target }) => !taken.has(target)).map((mount) => ({ ...mount, name: backend.randomHex(32) }));
  const own = [...named, ...fresh];
  return { mounts: [...others, ...own], asked, constraints: pinsOf(context, own, constraints), affinities };
}

function pinsOf({ backend }: ApiContext, mounts: readonly MountWish[], constraints: readonly Constraint[]): Constraint[] {
  const holders = new Map<NodeId, string>();
  for (const mount of mounts) {
    const node = mount.kind === 'volume' && !mount.anonymous ? backend.volumes.nodeOf(mount.name) : undefined;
    if (node !== undefined) holders.set(node, `volume ${nameOf(mount)}`);
  }
  const isPlaced = constraints.some(({ key, operator, soft }) => key === 'node' && operator === '==' && !soft);
  const bind = mounts.find((mount) => mount.kind === 'bind');
  const self = backend.self();
  if (bind !== undefined && !isPlaced && !holders.has(self.id)) holders.set(self.id, `the directory ${nameOf(bind)}`);
  if (holders.size > 1) {
    const names = new Map(backend.members().map(({ id, name }) => [id, name]));
    const where = [...holders].map(([node, what]) => `${what} is on node ${names.get(node) ?? node}`).join(', ');
    throw new ApiError(409, `one container can't have all of its mounts: ${where}`);
  }
  return [...holders.keys()].map((node) => pinTo(backend, node));
}

/** The constraint that names a node, as people would. */
export function pinTo(backend: Backend, node: NodeId): Constraint {
  const name = backend.members().find(({ id }) => id === node)?.name ?? node;
  return { key: 'node', operator: '==', value: name, soft: false };
}

const nameOf = (mount: MountWish): string => (mount.kind === 'volume' ? mount.name : mount.kind === 'bind' ? mount.source : mount.target);

/** Nothing that is missing is a 404: Docker's clients take that of a create for a missing image, and pull it. */
async function mountsOf(
  context: ApiContext,
  word: string,
  scope: Scope,
): Promise<{ readonly id: string; readonly points: readonly Point[] }> {
  try {
    const found = await locate(context, word, scope);
    if (found.at === 'here') {
      const { mounts, spec } = await factsOf(context.backend, found.container);
      return { id: found.container.request.containerId, points: mountPointsOf(mounts, Object.keys(spec.askedMounts?.tmpfs ?? {})) };
    }
    const { Id: id, Mounts: points } = await inspectThere(context.backend, found.node, found.id);
    return { id, points };
  } catch (error) {
    throw error instanceof ApiError && error.status === 404 ? new ApiError(400, error.message) : error;
  }
}

type Point = Pick<MountPoint, 'Type' | 'Source' | 'Destination' | 'RW' | 'Propagation'> & { readonly Name?: string | undefined };

const UNNAMED = /^[0-9a-f]{64}$/;

function wishOf({ Type, Name = '', Source, Destination: target, RW, Propagation }: Point, readOnly: boolean): MountWish | undefined {
  const common = { target, readOnly: readOnly || !RW };
  if (Type === 'volume') return { ...volumeOf(Name, target), ...common, noCopy: true, anonymous: UNNAMED.test(Name) };
  if (Type === 'bind') return { kind: 'bind', ...common, source: Source, propagation: propagationOf(Propagation), createSource: false };
  return undefined;
}
