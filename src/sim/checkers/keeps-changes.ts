import { sameResources, shortId } from '../../core/model/index.ts';
import type { Command, Container, ContainerId } from '../../core/model/index.ts';
import { newName } from '../../core/discovery/names/new-name.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Checker, Issued } from './checker.ts';

type Change = Extract<Command, { readonly kind: 'rename' | 'update' }>;

interface Promised {
  readonly node: SimNode;
  readonly command: Change;
}

interface Paused {
  readonly node: SimNode;
  /** Of its host, when it was said. */
  readonly reboots: number;
}

/**
 * What a change was answered with holds: a container has the name and the limits that it was said to have, durably,
 * over every death of its daemon, until somebody asks for others, or it loses its name to an older one. And what
 * was said to be paused is there and paused until somebody unpauses or ends it, or its host goes down.
 */
export function keepsChanges(): Checker {
  /** Of each kind and container the newest command: an answer to an older one promises nothing any more. */
  const newest = new Map<string, number>();
  const promised = new Map<string, Promised>();
  const paused = new Map<ContainerId, Paused>();
  /** Commands that may end a pause and have no answer yet. */
  const open = new Set<Issued>();
  const forget = (id: ContainerId): void => {
    for (const kind of ['rename', 'update']) promised.delete(keyOf(kind, id));
  };
  return {
    name: 'keeps changes',
    onCommand(_world, issued) {
      const { command } = issued;
      if (!('containerId' in command)) return;
      const { containerId: id } = command;
      newest.set(keyOf(groupOf(command.kind), id), issued.number);
      promised.delete(keyOf(command.kind, id));
      if (ENDS_PAUSE.has(command.kind)) {
        paused.delete(id);
        open.add(issued);
      }
      if (command.kind === 'remove') forget(id);
    },
    onReply(_world, issued, result) {
      const { command, node } = issued;
      open.delete(issued);
      if (!result.ok || !('containerId' in command) || !isNewest(newest, issued)) return;
      // A kill that was asked for before may do its work only now.
      const isContested = [...open].some((other) => other.node === node && isAbout(other.command, command.containerId));
      if (command.kind === 'pause' && !isContested) paused.set(command.containerId, { node, reboots: node.engine.reboots });
      if (command.kind === 'rename' || command.kind === 'update') {
        promised.set(keyOf(command.kind, command.containerId), { node, command });
      }
    },
    onEvent(_world, _node, event) {
      if (event.kind === 'container-renamed' && event.why !== 'asked') promised.delete(keyOf('rename', event.containerId));
      if (event.kind === 'container-removed') forget(event.containerId);
      if (event.kind === 'container-removed') paused.delete(event.containerId);
    },
    onStep(world, node) {
      for (const [key, { node: at, command }] of promised) {
        if (at !== node) continue;
        const container = node.store.get(command.containerId);
        if (container === undefined || has(container, command)) continue;
        promised.delete(key);
        const what = `${command.kind} of ${shortId(command.containerId)}`;
        world.violate('keeps changes', 'correctness', `${node.name} has lost the ${what}, which it said was done`);
      }
      for (const [id, { node: at, reboots }] of paused) {
        if (at !== node) continue;
        if (reboots === node.engine.reboots && node.engine.isPaused(id)) continue;
        paused.delete(id);
        if (reboots !== node.engine.reboots) continue;
        world.violate('keeps changes', 'correctness', `${shortId(id)} of ${node.name} is paused no longer, and nobody asked for that`);
      }
    },
  };
}

/** What may end a pause, and an earlier word about it. */
const ENDS_PAUSE: ReadonlySet<Command['kind']> = new Set(['pause', 'unpause', 'stop', 'kill', 'remove']);

const isAbout = (command: Command, id: ContainerId): boolean => 'containerId' in command && command.containerId === id;
const groupOf = (kind: Command['kind']): string => (ENDS_PAUSE.has(kind) ? 'pause' : kind);
const keyOf = (kind: string, id: ContainerId): string => `${kind} ${id}`;

function isNewest(newest: ReadonlyMap<string, number>, { command, number }: Issued): boolean {
  return 'containerId' in command && newest.get(keyOf(groupOf(command.kind), command.containerId)) === number;
}

function has({ name, request }: Container, command: Change): boolean {
  // One that an older one has taken is on the disk before it is told; whether it was older is another oracle's to say.
  if (command.kind === 'rename') return name === command.name || name === newName(command.name, request.containerId);
  const { resources, restart, spec } = command;
  return request.spec === spec && sameResources(request.resources, resources) && request.restart.name === restart.name;
}
