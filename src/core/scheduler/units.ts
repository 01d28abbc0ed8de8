/**
 * What of a stack is looked for together. A co-location group is one unit: one hold for the sum of its
 * parts, on a node that suits them all. Every other part is a unit of its own, in its group those of a
 * spread group know each other. A unit comes after those that its affinities speak of.
 */
import { LIMITS, NO_RESOURCES, add, portWords, portsClash } from '../model/index.ts';
import type { Affinity, Constraint, CoreError, Group, GroupHold, NodeId, Request, Resources, Stack } from '../model/index.ts';
import { affinityWords, isMeant } from '../model/affinity.ts';
import { digestOf, groupDigest } from '../model/digest.ts';
import { classRank, isAmount } from '../model/filter.ts';
import { clashAmong } from '../model/host-access.ts';
import type { Wanted } from './run.ts';

export interface Unit {
  /** The first one's request id is the hold's. */
  readonly parts: readonly [Request, ...Request[]];
  readonly group: Group | undefined;
  readonly wanted: Wanted;
  readonly hold: GroupHold | undefined;
  readonly specDigest: string;
  /** Earlier units with parts that its affinities speak of: places in the list. */
  readonly after: readonly number[];
}

/** What can't be worked on, in words. */
export function unworkable(stack: Stack, exclude: readonly NodeId[]): CoreError | undefined {
  const units = unitsOf(stack, exclude.length);
  return 'code' in units ? units : undefined;
}

/** In the stack's order by their first parts; or what can't be worked on, in words. */
export function unitsOf({ id, groups, parts }: Stack, excluded: number): readonly Unit[] | CoreError {
  if (parts.length === 0 || parts.length > LIMITS.stack) {
    return invalid(`a stack has 1 to ${LIMITS.stack} containers, got ${parts.length}`);
  }
  const twice =
    repeated(parts.map(({ request }) => request.name)) ??
    repeated([id, ...parts.map(({ request }) => request.id)]) ??
    repeated(parts.map(({ request }) => request.containerId)) ??
    repeated(groups.map(({ name }) => name));
  if (twice !== undefined) return invalid(`${twice} is in the stack twice`);
  const units: Omit<Unit, 'after'>[] = [];
  for (const { request, group: name } of parts) {
    const group = groups.find((candidate) => candidate.name === name);
    if (name !== undefined && group === undefined) return invalid(`${request.name} is in group ${name}, which the stack doesn't have`);
    if (group?.policy !== 'co-location') {
      units.push({ parts: [request], group, wanted: request, hold: undefined, specDigest: digestOf(request.spec) });
      continue;
    }
    if (units.some((unit) => unit.group === group)) continue;
    const unit = together(group, parts.filter((part) => part.group === name).map((part) => part.request) as [Request, ...Request[]]);
    if ('code' in unit) return unit;
    units.push(unit);
  }
  for (const group of groups) {
    const size = parts.filter((part) => part.group === group.name).length;
    if (group.policy === 'spread' && size - 1 + excluded > LIMITS.exclude) {
      return invalid(
        `group ${group.name} spreads ${size} containers with ${excluded} nodes excluded: at most ${LIMITS.exclude} nodes can be ruled out for one container`,
      );
    }
  }
  return units.map((unit, at) => ({ ...unit, after: units.flatMap((other, i) => (i < at && speaksOf(unit, other) ? [i] : [])) }));
}

const speaksOf = ({ wanted }: Pick<Unit, 'wanted'>, { parts }: Pick<Unit, 'parts'>): boolean =>
  wanted.affinities.some((affinity) => parts.some((part) => isMeant(affinity, part)));

/** Places in the list, the largest first: what is hardest to find room for, while there is most. */
export function bySize(units: readonly Unit[], mean: Resources): readonly number[] {
  const size = ({ wanted: { resources } }: Unit): number =>
    Math.max(resources.cpuMillicores / mean.cpuMillicores, resources.memoryBytes / mean.memoryBytes);
  return units
    .map((unit, at) => ({ at, size: size(unit) }))
    .toSorted((a, b) => b.size - a.size || a.at - b.at)
    .map(({ at }) => at);
}

/** A co-location group as one: what suits each of its parts. */
function together(group: Group, parts: readonly [Request, ...Request[]]): Omit<Unit, 'after'> | CoreError {
  const [first] = parts;
  const contradiction = (what: string): CoreError => invalid(`the containers of group ${group.name} can't be on one node: ${what}`);
  const resources = parts.reduce((sum, part) => add(sum, part.resources), NO_RESOURCES);
  if (!isAmount(resources) || Math.max(resources.cpuMillicores, resources.memoryBytes) > LIMITS.amount)
    return contradiction(`they need ${JSON.stringify(resources)} together`);
  const arches = parts.reduce<readonly string[] | undefined>(
    (common, part) => (part.arches.length === 0 ? common : (common ?? part.arches).filter((arch) => part.arches.includes(arch))),
    undefined,
  );
  if (arches?.length === 0) {
    const needs = parts.filter((part) => part.arches.length > 0).map((part) => `${part.name} needs ${part.arches.join(' or ')}`);
    return contradiction(`their architectures differ (${needs.join(', ')})`);
  }
  const constraints = different(parts.flatMap((part) => part.constraints));
  const clash = clashing(constraints);
  if (clash !== undefined) return contradiction(clash);
  const affinities: Affinity[] = [];
  for (const [at, part] of parts.entries()) {
    for (const affinity of part.affinities) {
      const meant = parts.find((other) => other !== part && isMeant(affinity, other));
      if (affinity.operator === '!=' && meant !== undefined && !affinity.soft) {
        return contradiction(`${part.name} wants ${affinityWords(affinity)}, and ${meant.name} is that`);
      }
      const settled = affinity.operator === '==' ? parts.slice(0, at).some((other) => isMeant(affinity, other)) : meant !== undefined;
      if (!settled) affinities.push(affinity);
    }
  }
  const wishes = { constraints, affinities: different(affinities) };
  for (const kind of ['constraints', 'affinities'] as const) {
    if (wishes[kind].length > LIMITS[kind])
      return contradiction(`they have ${wishes[kind].length} ${kind} together, at most ${LIMITS[kind]} can be looked for`);
  }
  const hostPorts = parts.flatMap((part) => part.hostPorts);
  const port = clashAmong(hostPorts);
  if (port !== undefined) {
    const both = parts.filter((part) => part.hostPorts.some((other) => portsClash(port, other))).map(({ name }) => name);
    return contradiction(`${both.join(' and ')} both want port ${portWords(port)}`);
  }
  if (hostPorts.length > LIMITS.hostPorts)
    return contradiction(`they publish ${hostPorts.length} ports together, at most ${LIMITS.hostPorts} can be looked for`);
  const vnis = [...new Set(parts.flatMap((part) => part.vnis))];
  if (vnis.length > LIMITS.networksPerContainer)
    return contradiction(`they are on ${vnis.length} networks together, at most ${LIMITS.networksPerContainer} can be looked for`);
  const hold: GroupHold = {
    hold: first.id,
    parts: parts.map((part) => ({ requestId: part.id, resources: part.resources, specDigest: digestOf(part.spec) })),
  };
  const cpuClass = parts.reduce((highest, part) => (classRank(part.class) > classRank(highest) ? part.class : highest), first.class);
  const wanted = { resources, class: cpuClass, arches: arches ?? [], ...wishes, policy: first.policy, hostPorts, vnis };
  return { parts, group, wanted, hold, specDigest: groupDigest(hold.parts) };
}

/** Two that no node can meet both, in words. A node's key has two values, its name and its id. */
function clashing(constraints: readonly Constraint[]): string | undefined {
  const exact = constraints.filter(({ key, value, soft }) => !soft && key !== 'node' && !value.includes('*'));
  for (const [i, a] of exact.entries()) {
    const b = exact
      .slice(i + 1)
      .find(
        (other) =>
          other.key === a.key &&
          (a.operator === '==' || other.operator === '==') &&
          (a.value === other.value ? a.operator !== other.operator : a.operator === other.operator),
      );
    if (b !== undefined) return `${a.key}${a.operator}${a.value} and ${b.key}${b.operator}${b.value} exclude each other`;
  }
  return undefined;
}

function different<T>(values: readonly T[]): readonly T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

function repeated(values: readonly string[]): string | undefined {
  return values.find((value, i) => values.indexOf(value) < i);
}

const invalid = (message: string): CoreError => ({ code: 'invalid-request', message, changed: false });
