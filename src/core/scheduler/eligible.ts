/**
 * Which nodes a run's filters (class, architectures, constraints) leave in a large instance. A find meets the
 * offers of a few regions; of what few nodes have, it may meet none, however free they are. But each buyer has
 * every member's record, so where they are few it asks these directly and no trader; where a find had nothing,
 * it asks them, or some of them, before it refuses. A supplier still looks for itself: a record may be old.
 *
 * Cost: a pass over the members for a run with filters, which ends as soon as they are too many; and two
 * messages for each node asked, 64 at most. Nothing is kept.
 */
import type { Member, NodeId, Turn } from '../model/index.ts';
import { classRank, isEligible } from '../model/filter.ts';
import { DISCOVERY } from '../discovery/tunables.ts';
import type { Run, Wanted } from './run.ts';
import type { SchedulerOptions } from './runs.ts';
import { SCHEDULER } from './tunables.ts';
import { constraintsOf } from './wishes.ts';

export interface Unseen {
  readonly nodes: ReadonlySet<NodeId>;
  /** Of how many they are a part; undefined: they are all. */
  readonly of: number | undefined;
}

export class Eligible {
  readonly #options: Pick<SchedulerOptions, 'directory' | 'alive' | 'member'>;

  constructor(options: Pick<SchedulerOptions, 'directory' | 'alive' | 'member'>) {
    this.#options = options;
  }

  /** All of them, where a find would hardly meet one. */
  rare(run: Run): ReadonlySet<NodeId> | undefined {
    if (!isHidden(run)) return undefined;
    const most = Math.min(DISCOVERY.smallInstance, Math.ceil(this.#options.directory.ring.size / SCHEDULER.rare) - 1);
    const nodes = this.#meeting(run, most + 1);
    return nodes.length <= most ? new Set(nodes) : undefined;
  }

  /** After a find in vain: whom to ask before the refusal; undefined where the find has met as many as chance would. */
  unseen({ random }: Turn, run: Run): Unseen | undefined {
    if (filterWords(run).length === 0) return undefined;
    const half = Math.ceil(this.#options.directory.ring.size / 2);
    const most = DISCOVERY.smallInstance + 1;
    const nodes = this.#meeting(run, isHidden(run) ? Math.max(half, most) : most);
    if (nodes.length < most) return { nodes: new Set(nodes), of: undefined };
    if (nodes.length >= half || !isHidden(run)) return undefined;
    const open = nodes.filter((id) => !run.excluded.has(id) && !run.failed.has(id) && !run.shunned.includes(id));
    return { nodes: new Set(random.shuffle(open).slice(0, DISCOVERY.smallInstance)), of: nodes.length };
  }

  #meeting(run: Run, most: number): NodeId[] {
    const filters = filtersOf(run);
    const nodes: NodeId[] = [];
    for (const member of this.#candidates(filters)) {
      if (nodes.length >= most) break;
      if (isEligible(filters, member)) nodes.push(member.id);
    }
    return nodes;
  }

  #candidates({ constraints }: Filters): readonly Member[] {
    const { alive, member } = this.#options;
    for (const { key, operator, value } of constraints) {
      const known = key === 'node' && operator === '==' ? member(value as NodeId) : undefined;
      if (known?.state === 'alive' || known?.state === 'suspect') return [known];
    }
    return alive();
  }
}

/** Whether it asks for what regions don't tell: a class alone is part of each, and so what a find looks for. */
const isHidden = (run: Run): boolean => constraintsOf(run).length > 0 || run.wanted.arches.length > 0;

type Filters = Pick<Wanted, 'class' | 'arches' | 'constraints'>;

/** Soft ones count until they are given up. */
export const filtersOf = (run: Run): Filters => ({ class: run.wanted.class, arches: run.wanted.arches, constraints: constraintsOf(run) });

/** What the run's filters ask for, as it is written on the command line. */
export function filterWords(run: Run): readonly string[] {
  const { class: cpuClass, arches, constraints } = filtersOf(run);
  return [
    ...constraints.map(({ key, operator, value }) => `${key}${operator}${value}`),
    ...(arches.length > 0 ? [`arch==${arches.join(' or ')}`] : []),
    ...(classRank(cpuClass) > 0 ? [`class==${cpuClass}`] : []),
  ];
}
