import { shortId } from '../../core/model/index.ts';
import type { Checker } from './checker.ts';
import { suits } from './could-take.ts';

/** A placement is on a node of the class, architecture and labels that were asked for, and on none that was excluded. */
export const placedWhereAsked: Checker = {
  name: 'placed where asked',
  onReply(world, { command, atMs }, result) {
    if (command.kind !== 'run' || !result.ok || result.kind !== 'placed') return;
    const { request, exclude } = command;
    const node = world.nodes.find((candidate) => candidate.id === result.supplier);
    if (node === undefined || node.relabelledMs >= atMs) return;
    if (exclude.includes(node.id) || !suits(node.record, request)) {
      const { constraints, arches, class: cpuClass } = request;
      const asked = JSON.stringify({ cpuClass, arches, constraints, exclude });
      world.violate('placed where asked', 'correctness', `${shortId(request.containerId)} is on ${node.name}, it asked for ${asked}`);
    }
  },
};
