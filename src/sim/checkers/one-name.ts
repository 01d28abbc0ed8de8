import { keepsName, shortId } from '../../core/model/index.ts';
import type { Container, Event, NodeId } from '../../core/model/index.ts';
import { Ring } from '../../core/ring/ring.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Checker, Issued, Watched } from './checker.ts';

/**
 * DESIGN §6, Name directory. At rest no two containers of the instance have one name, and the directory
 * knows exactly what there is. A container loses its name only to an older one, or by its user's wish. A name is
 * refused only where a container, or a run or a rename under way, had it: in calm during the claim, under faults a while before,
 * as nodes that can't be asked are taken at their last word.
 */
export function oneName(): Checker {
  const uses = new Uses();
  return {
    name: 'one name',
    onCommand(_world, issued) {
      for (const name of namesOf(issued)) uses.begin(name);
    },
    onReply(world, issued, result) {
      const isTaken = !result.ok && result.error.code === 'name-taken';
      for (const name of namesOf(issued)) {
        uses.end(name);
        if (!isTaken) uses.ran(name, world.nowMs);
      }
      if (!isTaken) return;
      const sinceMs = issued.atMs - (world.calm ? 0 : FAULTS_MS);
      if (namesOf(issued).some((name) => uses.wasUsed(name, sinceMs) || holdersOf(world, name).length > 0)) return;
      world.violate('one name', 'correctness', `${namesOf(issued).join(', ')} was refused ("${result.error.message}") and nobody has it`);
    },
    onEvent(world, node, event) {
      if (event.kind === 'container-renamed' && event.why !== 'asked') judgeRename(world, node, event);
      if (event.kind === 'container-renamed') uses.freed(event.from, world.nowMs);
      if (event.kind === 'container-removed') uses.freed(event.name, world.nowMs);
    },
    atRest(world) {
      for (const problem of sharedNames(world)) world.violate('one name', 'correctness', problem);
      for (const problem of directoryProblems(world)) world.violate('one name', 'liveness', problem);
    },
  };

  /** The older one may have been removed, or have lost the name itself, while the word was on its way. */
  function judgeRename(world: Watched, node: SimNode, { containerId, from }: Extract<Event, { kind: 'container-renamed' }>): void {
    const renamed = node.core?.container(containerId);
    if (renamed === undefined || uses.wasFreed(from, world.nowMs - CONFLICT_MS)) return;
    const older = holdersOf(world, from).some((other) => keepsName(rankOf(other), rankOf(renamed)));
    if (older) return;
    world.violate('one name', 'correctness', `${shortId(containerId)} of ${node.name} lost the name ${from} to nobody older`);
  }
}

/** What keeps the instance from being at rest, as far as names go. */
export function unsettledNames(world: Watched): readonly string[] {
  return [...sharedNames(world), ...directoryProblems(world)];
}

/** How long under faults a name may be refused after its last use: an owner's claims and rows last about as long. */
const FAULTS_MS = 120_000;
/** From the sight of a conflict to the younger's new name, words lost on the way included. */
const CONFLICT_MS = 30_000;

/** When each name was last of use to a run, to a rename or to a container that is no more. */
class Uses {
  readonly #open = new Map<string, number>();
  readonly #ranMs = new Map<string, number>();
  readonly #freedMs = new Map<string, number>();

  begin(name: string): void {
    this.#open.set(name, (this.#open.get(name) ?? 0) + 1);
  }

  end(name: string): void {
    this.#open.set(name, (this.#open.get(name) ?? 1) - 1);
  }

  /** A run or a rename that had it has ended. */
  ran(name: string, nowMs: number): void {
    this.#ranMs.set(name, nowMs);
  }

  /** A container that had it was removed, or has another name. */
  freed(name: string, nowMs: number): void {
    this.#freedMs.set(name, nowMs);
  }

  wasUsed(name: string, sinceMs: number): boolean {
    return (
      (this.#open.get(name) ?? 0) > 0 || (this.#ranMs.get(name) ?? Number.NEGATIVE_INFINITY) >= sinceMs || this.wasFreed(name, sinceMs)
    );
  }

  wasFreed(name: string, sinceMs: number): boolean {
    return (this.#freedMs.get(name) ?? Number.NEGATIVE_INFINITY) >= sinceMs;
  }
}

function namesOf({ command }: Issued): readonly string[] {
  if (command.kind === 'run') return [command.request.name];
  if (command.kind === 'rename') return [command.name];
  return command.kind === 'run-stack' ? command.stack.parts.map(({ request }) => request.name) : [];
}

function holdersOf(world: Watched, name: string): readonly Container[] {
  return world.nodes
    .flatMap((node) => [...(node.core?.containers() ?? []), ...node.store.containers()])
    .filter((container) => container.name === name);
}

const rankOf = ({ request, createdAtMs }: Container) => ({ containerId: request.containerId, createdAtMs: Math.round(createdAtMs) });

function sharedNames(world: Watched): readonly string[] {
  const owners = new Map<string, string>();
  const problems: string[] = [];
  for (const { node, container } of containersOf(world)) {
    const here = `${shortId(container.request.containerId)} of ${node.name}`;
    const other = owners.get(container.name);
    if (other !== undefined) problems.push(`${here} and ${other} are both called ${container.name}`);
    owners.set(container.name, here);
  }
  return problems;
}

/** Each container stands with the owners of its name and its id, and nothing else stands anywhere. */
function directoryProblems(world: Watched): readonly string[] {
  const ring = new Ring();
  for (const node of world.nodes) if (node.up) ring.add(node.id);
  const owned = (key: string, id: string): boolean => known.get(ring.owner(key) as NodeId)?.has(`${key} ${id}`) ?? false;
  const known = new Map(world.nodes.map((node) => [node.id, registeredWith(node)]));
  const problems: string[] = [];
  for (const { node, container } of containersOf(world)) {
    const id = container.request.containerId;
    for (const key of [`name/${container.name}`, `id/${id.slice(0, 3)}`]) {
      if (!owned(key, id)) problems.push(`${shortId(id)} of ${node.name} is not found by ${key}`);
    }
  }
  for (const node of world.nodes) {
    for (const { containerId, name, node: at } of node.core?.names() ?? []) {
      const holder = world.nodes.find((candidate) => candidate.id === at);
      const there = holder?.core?.container(containerId)?.name;
      if (there !== name)
        problems.push(`${node.name} has ${shortId(containerId)} as ${name} on ${holder?.name ?? at}, which has it as ${there}`);
    }
  }
  return problems.slice(0, 5);
}

function registeredWith(node: SimNode): ReadonlySet<string> {
  const texts = (node.core?.names() ?? []).map(({ key, containerId }) => {
    return `${key.kind}/${key.kind === 'id' ? key.prefix : key.kind === 'name' ? key.name : ''} ${containerId}`;
  });
  return new Set(texts);
}

function* containersOf(world: Watched): Generator<{ readonly node: SimNode; readonly container: Container }> {
  for (const node of world.nodes) for (const container of node.core?.containers() ?? []) yield { node, container };
}
