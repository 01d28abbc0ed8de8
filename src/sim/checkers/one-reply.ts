import type { Checker } from './checker.ts';

/** Every command is answered exactly once by the daemon that took it; by none if that daemon died. */
export const oneReply: Checker = {
  name: 'one reply',
  onReply(world, issued) {
    if (issued.replies > 1) world.violate('one reply', 'correctness', `command ${issued.number} was answered ${issued.replies} times`);
  },
  atRest(world) {
    for (const { node, command, atMs } of world.unanswered()) {
      world.violate('one reply', 'liveness', `${node.name} still owes an answer to ${command.kind} of ${Math.round(atMs)} ms`);
    }
  },
};
