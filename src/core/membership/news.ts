import type { Member, NodeId, Rumour, Turn } from '../model/index.ts';
import type { Beliefs } from './beliefs.ts';
import { isLive } from './claim.ts';
import { rumourId } from './member-index.ts';
import type { MemberTable } from './member-table.ts';
import type { Self } from './self.ts';
import type { Syncer } from './sync.ts';

/** Sorts what messages say: of this node to its defence, of known members to the beliefs, of unknown ones to a sync. */
export class News {
  readonly #table: MemberTable;
  readonly #beliefs: Beliefs;
  readonly #self: Self;
  readonly #syncer: Syncer;

  constructor(table: MemberTable, beliefs: Beliefs, self: Self, syncer: Syncer) {
    this.#table = table;
    this.#beliefs = beliefs;
    this.#self = self;
    this.#syncer = syncer;
  }

  /** A rumour that `from` told. */
  rumour(turn: Turn, from: NodeId, rumour: Rumour): void {
    if (rumour.kind === 'record') {
      const { id, incarnation, state } = rumour.member;
      if (id === this.#table.self.id) return this.#self.defend(turn, { incarnation, state }, from);
      if (this.#table.get(id) === undefined && !isLive(state)) return;
      const entry = this.#beliefs.record(turn, rumour.member, true);
      if (entry !== undefined && state !== 'alive') this.#beliefs.claim(turn, entry, { incarnation, state }, rumourId(from), true);
      return;
    }
    const { shortId, incarnation, state } = rumour;
    if (shortId === this.#table.self.shortId) return this.#self.defend(turn, { incarnation, state }, from);
    const entry = this.#table.byShortId(shortId);
    // We lack its record, or its newest: who told us has it. The dead and the left need none.
    if (isLive(state) && (entry?.record.incarnation ?? -1) < incarnation) this.#syncer.soon(turn, from);
    if (entry !== undefined) this.#beliefs.claim(turn, entry, { incarnation, state }, rumour.from, true);
  }

  /** A member as `from` holds it, from a sync-reply. */
  synced(turn: Turn, from: NodeId, member: Member): void {
    const { id, incarnation, state } = member;
    if (id === this.#table.self.id) return this.#self.defend(turn, { incarnation, state }, from);
    // Nobody is told of the dead anew: two nodes that forget one at different times would keep it for ever.
    if (this.#table.get(id) === undefined && !isLive(state)) return;
    const { isJoining } = this.#syncer;
    // While joining all is new to us and nothing to others, but what somebody says of itself may be news to them.
    const spread = !isJoining || id === from;
    const entry = this.#beliefs.record(turn, member, spread);
    if (entry === undefined || state === 'alive') return;
    // Both sides of a healed partition hold the other's members dead: give them the time to refute.
    const believed = state === 'dead' && !isJoining && isLive(entry.claim.state) ? 'suspect' : state;
    this.#beliefs.claim(turn, entry, { incarnation, state: believed }, rumourId(from), spread);
  }
}
