import type { Backend } from '../backend.ts';
import type { ContainerSummary, PortSummary } from '../../docker-api/types.ts';
import { type Container, type ContainerId, DEFAULT_NETWORK } from '../../core/model/index.ts';
import type { MountWish } from '../../engine/port.ts';
import { labelMatches } from '../http/label-matches.ts';
import { truthOf } from '../http/prune-filter.ts';
import { filtersOf, flagOf, wholeOf, type Filters, type Query } from '../http/query.ts';
import { ApiError } from '../http/api-error.ts';
import { matchesGlob } from '../http/glob.ts';
import { namePattern } from '../http/name-pattern.ts';
import { familiarReference, parseReference, referenceText, repositoryOf } from '../images/reference.ts';
import { API_LIMITS } from '../limits.ts';
import { factsOf, specOf, type ContainerFacts } from './facts.ts';
import { isDefaultName } from '../networks/predefined.ts';
import { parsePortRange } from './networking/ports.ts';
import { CREATED, isWithin } from './list-bounds.ts';
import { hasMoved, type KnownImages } from './moved-name.ts';
import { exitCodeOf, statusOf } from './status.ts';
import { summaryOf } from './summary.ts';

/** Docker's; `node` is ours. What `before` and `since` name is looked up, and is a moment then (list-bounds.ts). */
const CONTAINER_FILTERS = [
  'id',
  'name',
  'label',
  'status',
  'health',
  'exited',
  'ancestor',
  'before',
  'since',
  'volume',
  'network',
  'publish',
  'expose',
  'is-task',
  'node',
  ...CREATED,
] as const;
const HEALTHS = ['none', 'starting', 'healthy', 'unhealthy'];
const STATUSES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];

export interface ListOptions {
  readonly all: boolean;
  readonly size: boolean;
  /** Newest n, whatever their state; undefined: no such bound. */
  readonly limit: number | undefined;
  readonly filters: Filters;
}

/** @throws ApiError 400 */
export function listOptionsOf(query: Query): ListOptions {
  const limit = wholeOf(query, 'limit') ?? 0;
  const filters = filtersOf(query, CONTAINER_FILTERS);
  for (const status of filters.get('status') ?? []) {
    if (!STATUSES.includes(status)) throw new ApiError(400, `invalid filter 'status=${status}': a status is one of ${STATUSES.join(', ')}`);
  }
  for (const health of filters.get('health') ?? []) {
    if (!HEALTHS.includes(health)) throw new ApiError(400, `invalid filter 'health=${health}': it is one of ${HEALTHS.join(', ')}`);
  }
  truthOf(filters, 'is-task');
  namePatterns(filters);
  for (const code of filters.get('exited') ?? []) {
    if (!/^-?\d{1,10}$/.test(code)) throw new ApiError(400, `invalid filter 'exited=${code}': an exit code is a whole number`);
  }
  for (const key of ['publish', 'expose']) for (const text of filters.get(key) ?? []) parsePortRange(text);
  // Docker: a limit, or a filter by state, looks at containers that do not run, too.
  const all = flagOf(query, 'all') || limit > 0 || filters.has('status') || filters.has('exited');
  return { all, size: flagOf(query, 'size'), limit: limit > 0 ? limit : undefined, filters };
}

/** This node's rows, newest first. */
export async function listHere(backend: Backend, options: ListOptions): Promise<ContainerSummary[]> {
  const node = backend.self();
  if (!nodeIsMeant(options.filters, node)) return [];
  const shown = backend.containers().filter((c) => isShown(c, options));
  const known: KnownImages = new Map();
  const found = await Promise.all(
    shown.map(async (c) => {
      const facts = await factsOf(backend, c);
      return { facts, isMoved: await hasMoved(backend.images, facts, known) };
    }),
  );
  const nowMs = backend.wallMs();
  const rows = newest(
    found
      .filter(({ facts, isMoved }) => factsAreMeant(facts, options.filters) && hasAncestor(facts, isMoved, options.filters))
      .map(({ facts, isMoved }) => summaryOf(facts, isMoved, node, nowMs))
      .filter((row) => isOnNetwork(row, options.filters) && hasPorts(row, options.filters)),
    options.limit,
  );
  return options.size ? Promise.all(rows.map((row) => withSizes(backend, row))) : rows;
}

async function withSizes({ access }: Backend, row: ContainerSummary): Promise<ContainerSummary> {
  const sizes = await access.sizes(row.Id as ContainerId).catch(() => ({ writtenBytes: 0, rootBytes: 0 }));
  return { ...row, SizeRw: sizes.writtenBytes, SizeRootFs: sizes.rootBytes };
}

function factsAreMeant(facts: ContainerFacts, filters: Filters): boolean {
  const health = facts.health?.status ?? 'none';
  return (
    hasLabels(facts, filters) &&
    some(filters, 'health', (wanted) => wanted === health) &&
    some(filters, 'volume', (wanted) => facts.mounts.some(({ wish }) => [wish.target, sourceOf(wish)].includes(wanted)))
  );
}

/** What Docker's `volume` takes beside the place in the container: a volume's name, or the path of the host. */
const sourceOf = (wish: MountWish): string => (wish.kind === 'volume' ? wish.name : wish.kind === 'bind' ? wish.source : '');

/** As Docker's clients know it. */
export const inWholeSeconds = (row: ContainerSummary): ContainerSummary => ({ ...row, Created: Math.floor(row.Created) });

/** Newest first, cut to the limit. */
export function newest(rows: readonly ContainerSummary[], limit: number | undefined): ContainerSummary[] {
  const sorted = [...rows].sort((a, b) => b.Created - a.Created || (a.Id < b.Id ? -1 : 1));
  return sorted.slice(0, Math.min(limit ?? API_LIMITS.listRows, API_LIMITS.listRows));
}

/** Whether the `node` filter lets this node's containers through: by name, with globs, or by id. */
export function nodeIsMeant(filters: Filters, node: { readonly id: string; readonly name: string }): boolean {
  const wanted = filters.get('node');
  return wanted === undefined || wanted.some((w) => matchesGlob(w, node.name) || w === node.id);
}

function isShown(container: Container, { all, filters }: ListOptions): boolean {
  const status = statusOf(container);
  const { name, request } = container;
  const { containerId } = request;
  if (!all && !['running', 'paused', 'restarting'].includes(status)) return false;
  return (
    some(filters, 'status', (s) => s === status) &&
    some(filters, 'exited', (code) => status === 'exited' && Number(code) === exitCodeOf(container)) &&
    isWithin(filters, container.createdAtMs) &&
    truthOf(filters, 'is-task') !== true &&
    some(filters, 'id', (id) => containerId.startsWith(id)) &&
    hasName(filters, name)
  );
}

/** One of the filter's values holds, or the filter was not given. */
function some(filters: Filters, key: string, holds: (value: string) => boolean): boolean {
  return filters.get(key)?.some(holds) ?? true;
}

/** Docker matches the value as a regular expression, against the name with and without its slash. */
function hasName(filters: Filters, name: string): boolean {
  const patterns = namePatterns(filters);
  return patterns.length === 0 || patterns.some((matches) => matches(name) || matches(`/${name}`));
}

const read = new WeakMap<Filters, readonly ((text: string) => boolean)[]>();

/** @throws ApiError 400 */
function namePatterns(filters: Filters): readonly ((text: string) => boolean)[] {
  const patterns = read.get(filters) ?? (filters.get('name') ?? []).map(namePattern);
  read.set(filters, patterns);
  return patterns;
}

/** Docker: every label given must be there. */
function hasLabels({ details }: ContainerFacts, filters: Filters): boolean {
  return (filters.get('label') ?? []).every((wanted) => labelMatches(wanted, details.labels));
}

/** By the network's name, or its id or the beginning of it; Docker's clients call the default network bridge. */
function isOnNetwork({ NetworkSettings: { Networks } }: ContainerSummary, filters: Filters): boolean {
  return some(filters, 'network', (wanted) => {
    const name = isDefaultName(wanted) ? DEFAULT_NETWORK : wanted;
    return Object.entries(Networks).some(
      ([key, { NetworkID }]) => key === name || (/^[0-9a-f]{4,64}$/.test(name) && NetworkID.startsWith(name)),
    );
  });
}

/** `80`, `80/udp`, `8000-8080/tcp`: of the host with publish, of the container with expose. */
function hasPorts({ Ports }: ContainerSummary, filters: Filters): boolean {
  const means = (text: string, of: (row: PortSummary) => number | undefined): boolean => {
    const { from, to, protocol } = parsePortRange(text);
    return Ports.some((row) => row.Type === protocol && (of(row) ?? 0) >= from && (of(row) ?? 0) <= to);
  };
  return (
    some(filters, 'publish', (text) => means(text, (row) => row.PublicPort)) &&
    some(filters, 'expose', (text) => means(text, (row) => row.PrivatePort))
  );
}

/** By image name (without a tag: any tag of it), image id or digest. */
function hasAncestor({ container, details }: ContainerFacts, isMoved: boolean, filters: Filters): boolean {
  const { image } = specOf(container);
  return some(filters, 'ancestor', (wanted) => {
    const hex = wanted.replace(/^sha256:/, '');
    if (/^[0-9a-f]{12,64}$/.test(hex)) {
      return [details.imageId, image.digest].some((id) => id.replace(/^sha256:/, '').startsWith(hex));
    }
    if (isMoved) return false;
    return (
      image.reference === normalised(wanted) ||
      (repositoryOf(wanted) === wanted && repositoryOf(familiarReference(image.reference)) === familiarReference(wanted))
    );
  });
}

function normalised(text: string): string {
  try {
    return referenceText(parseReference(text));
  } catch {
    return text;
  }
}
