/**
 * How long nodes have been away, as one agreement member saw it: the record by which their leases end in the end
 * (DESIGN §9). Nothing in it is a point in time. It counts up, from look to look, by a clock that cannot be set, and
 * only between two looks at which this member had good reason to believe its eyes: a majority answered it, and at
 * least half of the other nodes were there. So what is not counted is
 *
 *   - time in which this daemon, its host, or the whole instance was off or asleep;
 *   - time in which this member was cut off, alone or with a few;
 *   - more than `LONGEST_STEP_MS` between two looks, whatever the clock says.
 *
 * It may thus count too little, and end a lease late or, of two nodes, never (`nodes rm` does it at once); it must
 * not count too much. A count is a node's absence under one incarnation: one that came back while this member was
 * off, and went again, comes with a higher one, and is counted from nothing.
 */
import type { NodeId } from '../../core/model/index.ts';

/** Looks come twice a minute; one that comes much later was held up by something. */
export const LONGEST_STEP_MS = 120_000;
/** After a start it takes so much good time until anything ends, so that those who start more slowly are seen. */
const WARM_UP_MS = 3_600_000;

/** What a member sees at one look. */
export interface Look {
  /** Monotonic. */
  readonly nowMs: number;
  /** Whether a majority of the agreement members answered just now. */
  readonly hasMajority: boolean;
  /** All that are in the instance, but for this one. */
  readonly nodes: readonly SeenNode[];
}

export interface SeenNode {
  readonly id: NodeId;
  readonly isHere: boolean;
  /** 0: the membership list has forgotten it. */
  readonly incarnation: number;
}

export interface Absence {
  readonly incarnation: number;
  readonly ms: number;
}

/** As it is kept on disk. */
export type KeptAbsences = Readonly<Record<string, Absence>>;

export class AbsenceBook {
  readonly #limitMs: number;
  readonly #absences: Map<NodeId, Absence>;
  /** Of the last look, where it could be believed. */
  #lookedMs: number | undefined;
  #goodMs = 0;

  constructor(limitMs: number, kept: KeptAbsences) {
    this.#limitMs = limitMs;
    this.#absences = new Map(Object.entries(kept)) as Map<NodeId, Absence>;
  }

  /** Returns whether a count that may be on disk is not true any more: it must go from there before it is read again. */
  look({ nowMs, hasMajority, nodes }: Look): boolean {
    const before = this.#absences.size;
    const known = new Set(nodes.map(({ id }) => id));
    for (const id of this.#absences.keys()) if (!known.has(id)) this.#absences.delete(id);
    let isOutdated = this.#absences.size < before;
    for (const node of nodes) if (this.#isBack(node) && this.#absences.delete(node.id)) isOutdated = true;

    // Those that are long lost are no sign of being cut off.
    const expected = nodes.filter(({ id }) => !this.#isLong(id));
    const isGood = hasMajority && expected.filter(({ isHere }) => isHere).length * 2 >= expected.length;
    const stepMs = isGood && this.#lookedMs !== undefined ? Math.min(Math.max(0, nowMs - this.#lookedMs), LONGEST_STEP_MS) : 0;
    this.#lookedMs = isGood ? nowMs : undefined;
    this.#goodMs += stepMs;
    for (const { id, isHere, incarnation } of nodes) {
      const absence = this.#absences.get(id);
      // It may have gone a moment ago.
      if (!isHere && absence === undefined) this.#absences.set(id, { incarnation, ms: 0 });
      else if (!isHere && absence !== undefined) {
        this.#absences.set(id, { incarnation: incarnation || absence.incarnation, ms: absence.ms + stepMs });
      }
    }
    return isOutdated;
  }

  /** Between two looks. Returns as `look` does. */
  sawAlive(id: NodeId): boolean {
    return this.#absences.delete(id);
  }

  /** Away for as long as it takes, and certainly still so at the last look. */
  gone(): readonly NodeId[] {
    const isWarm = this.#goodMs >= Math.min(WARM_UP_MS, this.#limitMs / 4);
    if (!isWarm || this.#lookedMs === undefined) return [];
    return [...this.#absences.keys()].filter((id) => this.#isLong(id));
  }

  kept(): KeptAbsences {
    return Object.fromEntries(this.#absences);
  }

  #isBack({ id, isHere, incarnation }: SeenNode): boolean {
    const known = this.#absences.get(id);
    return known !== undefined && (isHere || incarnation > known.incarnation);
  }

  #isLong(id: NodeId): boolean {
    return (this.#absences.get(id)?.ms ?? 0) >= this.#limitMs;
  }
}
