import type { Checker, Watched } from './checker.ts';

/** After faults have ended every node that is up takes every other for alive, with its newest record, and no other. */
export const membershipConverges: Checker = {
  name: 'membership converges',
  atRest(world) {
    for (const problem of disagreements(world)) world.violate('membership converges', 'liveness', problem);
  },
};

/** What stands between the nodes' tables and agreement, at most a few of them. */
export function disagreements(world: Watched): readonly string[] {
  const up = world.nodes.filter((node) => node.up);
  const problems: string[] = [];
  for (const observer of up) {
    for (const subject of world.nodes) {
      const member = observer.core?.member(subject.id);
      const state = member?.state ?? 'unknown';
      if (subject.up && state !== 'alive') problems.push(`${observer.name} has ${subject.name} as ${state}, and it is up`);
      else if (!subject.up && (state === 'alive' || state === 'suspect'))
        problems.push(`${observer.name} has ${subject.name} as ${state}, and it is down`);
      else if (subject.up && member?.address.ip !== subject.ip)
        problems.push(`${observer.name} has ${subject.name} at ${member?.address.ip}, it is at ${subject.ip}`);
      if (problems.length >= 5) return problems;
    }
  }
  return problems;
}
