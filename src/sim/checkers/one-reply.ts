import type { Checker, Issued } from './checker.ts';

/** Every command is answered exactly once by the daemon that took it; by none if that daemon died. */
export function oneReply(): Checker {
  const open = new Set<Issued>();
  return {
    name: 'one reply',
    onCommand(_world, issued) {
      open.add(issued);
    },
    onReply(world, issued) {
      open.delete(issued);
      if (issued.replies > 1) world.violate('one reply', 'correctness', `command ${issued.number} was answered ${issued.replies} times`);
    },
    atRest(world) {
      for (const issued of open) {
        if (!issued.node.up || issued.generation !== issued.node.generation) open.delete(issued);
        else if (world.nowMs - issued.atMs > LONGEST_COMMAND_MS) {
          const { kind } = issued.command;
          world.violate('one reply', 'liveness', `${issued.node.name} still owes an answer to ${kind} of ${Math.round(issued.atMs)} ms`);
          open.delete(issued);
        }
      }
    },
  };
}

/** A run with all its attempts, a slow image among them. */
const LONGEST_COMMAND_MS = 60_000;
