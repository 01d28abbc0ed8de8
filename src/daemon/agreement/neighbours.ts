import type { Copy } from '../../agreement/state/copy.ts';
import { type Member, type NodeId, shortId } from '../../core/model/index.ts';
import { hash32 } from '../../lib/hash.ts';

/** Whom to ask where no agreement member is known. */
const ANYBODY = 8;

/** The other nodes, as gossip and the agreed state know them. */
export class Neighbours {
  readonly #self: NodeId;
  readonly #copy: Copy;
  readonly #members: () => readonly Member[];

  constructor(self: NodeId, copy: Copy, members: () => readonly Member[]) {
    this.#self = self;
    this.#copy = copy;
    this.#members = members;
  }

  /** All in the membership list that were not removed, this node too. */
  all(): readonly Member[] {
    return this.#members().filter((member) => this.#copy.views.nodes.get(member.id)?.state !== 'removed');
  }

  alive(): readonly NodeId[] {
    return this.all().flatMap((member) => (member.state === 'alive' && member.id !== this.#self ? [member.id] : []));
  }

  /** Known by gossip or agreed to have left, or removed. */
  hasLeft(id: NodeId): boolean {
    const agreed = this.#copy.views.nodes.get(id)?.state;
    return (agreed !== undefined && agreed !== 'in') || this.#members().some((member) => member.id === id && member.state === 'left');
  }

  nameOf(id: NodeId): string {
    return this.#copy.views.nodes.get(id)?.name ?? this.#members().find((member) => member.id === id)?.name ?? shortId(id);
  }

  /** Agreement members in the order to ask them: those alive first; among these every node has an order of its own. */
  toAsk(members: readonly NodeId[]): readonly NodeId[] {
    const alive = new Set(this.alive());
    const known = members.filter((id) => id !== this.#self);
    const asked = known.length > 0 ? known : [...alive].slice(0, ANYBODY);
    return asked.toSorted(
      (a, b) => Number(alive.has(b)) - Number(alive.has(a)) || hash32(`${this.#self} ${a}`) - hash32(`${this.#self} ${b}`),
    );
  }
}
