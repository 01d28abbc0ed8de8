import type { Directory } from '../discovery/directory.ts';
import { HintTable } from '../discovery/hint-table.ts';
import { MeanCapacity } from '../discovery/mean-capacity.ts';
import type { Member, NodeId, Turn } from '../model/index.ts';
import { Ring } from '../ring/ring.ts';

/** Who wants to know what became of a member. */
export interface TopologyOptions {
  readonly self: NodeId;
  /** Keys may have changed owners. */
  readonly onRing: (turn: Turn) => void;
  /** A member raised its incarnation: it may have restarted and forgotten what it kept for us. */
  readonly onRenewed: (turn: Turn, id: NodeId) => void;
  readonly onGone: (turn: Turn, id: NodeId, how: 'died' | 'left') => void;
}

/** What discovery and scheduling derive from the member list: the ring, the mean capacity; and the hint table beside them. */
export class Topology {
  readonly directory: Directory;
  readonly hints: HintTable;
  readonly #options: TopologyOptions;
  readonly #ring = new Ring();
  readonly #mean = new MeanCapacity();

  constructor(options: TopologyOptions) {
    this.#options = options;
    this.hints = new HintTable(() => this.#ring.size);
    this.directory = { ring: this.#ring, hints: this.hints, mean: () => this.#mean.value() };
  }

  /** A member changed its state or its record, or appeared. */
  changed(turn: Turn, member: Member, previous: Member | undefined): void {
    const { id, state, incarnation, capacity } = member;
    const { self, onRing, onRenewed, onGone } = this.#options;
    if (id === self || state === 'alive' || state === 'suspect') {
      this.#mean.set(id, capacity);
      if (this.#ring.add(id)) onRing(turn);
      else if (id !== self && previous !== undefined && incarnation > previous.incarnation) onRenewed(turn, id);
      return;
    }
    this.#mean.delete(id);
    if (!this.#ring.remove(id)) return;
    onRing(turn);
    onGone(turn, id, state === 'dead' ? 'died' : 'left');
  }
}
