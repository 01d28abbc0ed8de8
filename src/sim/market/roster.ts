/**
 * Who takes part, and who has heard so: one list and one ring for all nodes. A death or a join is heard by
 * each node at a time of its own (SWIM's detection, then gossip); until then the node goes by what was. Each
 * node's ring is thus the shared one less the members that it does not believe in, exactly the ring that it
 * would build from its own member list.
 */
import type { Member, MemberRecord, NodeId, Resources } from '../../core/model/index.ts';
import { MeanCapacity } from '../../core/discovery/mean-capacity.ts';
import { Ring } from '../../core/ring/ring.ts';
import type { GossipDelay, GossipPace } from './gossip-delay.ts';

/** A death or a join of one member. */
export interface Change {
  readonly member: number;
  readonly alive: boolean;
  readonly incarnation: number;
  /** When the first node knows. */
  readonly knownMs: number;
  readonly piece: number;
}

interface Place {
  readonly record: Omit<MemberRecord, 'incarnation'>;
  /** Oldest first; all but those that somebody may not have heard are dropped. */
  changes: Change[];
  /** What was last asked of it, as most ask the same. */
  shown: Member | undefined;
}

export class Roster {
  readonly #places: Place[] = [];
  readonly #indexes = new Map<NodeId, number>();
  readonly #ring = new Ring();
  readonly #mean = new MeanCapacity();
  readonly #unsettled = new Set<NodeId>();
  readonly #delay: GossipDelay;
  readonly #pace: GossipPace;
  #alive: readonly Member[] | undefined;
  #pieces = 0;
  #size = 0;

  constructor(delay: GossipDelay, pace: GossipPace) {
    this.#delay = delay;
    this.#pace = pace;
  }

  /** A node that may take part, from the start or later. */
  add(record: Omit<MemberRecord, 'incarnation'>, alive: boolean): void {
    const member = this.#places.length;
    const always: Change = { member, alive, incarnation: 1, knownMs: -Infinity, piece: 0 };
    this.#places.push({ record, changes: [always], shown: undefined });
    this.#indexes.set(record.id, member);
    if (alive) this.#enter(record);
  }

  index(id: NodeId): number {
    return this.#indexes.get(id) ?? -1;
  }

  changed(member: number, alive: boolean, incarnation: number, knownMs: number): Change {
    const place = this.#place(member);
    const change: Change = { member, alive, incarnation, knownMs, piece: --this.#pieces };
    place.changes = [...place.changes, change];
    this.#unsettled.add(place.record.id);
    if (alive) this.#enter(place.record);
    else this.#leave(place.record);
    this.#alive = undefined;
    return change;
  }

  /** Drops what everyone has heard; called now and then. */
  settle(nowMs: number): void {
    for (const id of this.#unsettled) {
      const place = this.#place(this.index(id));
      const known = place.changes.findLastIndex(({ knownMs }) => nowMs - knownMs > SETTLED_MS);
      if (known > 0) place.changes = place.changes.slice(known);
      if (place.changes.length > 1) continue;
      this.#unsettled.delete(id);
      if (place.changes[0]?.alive === false) this.#ring.remove(id);
    }
  }

  heardAtMs(change: Change, viewer: number): number {
    return viewer === change.member ? change.knownMs : change.knownMs + this.#delay.ms(viewer, change.piece, this.#pace);
  }

  /** What `viewer` believes of a member. */
  belief(member: number, viewer: number, nowMs: number): Change | undefined {
    const { changes } = this.#place(member);
    if (changes.length === 1) return changes[0];
    return changes.findLast((change) => this.heardAtMs(change, viewer) <= nowMs);
  }

  /** As `viewer` has it; undefined where it has never heard of it. */
  member(id: NodeId, viewer: number, nowMs: number): Member | undefined {
    const index = this.index(id);
    const belief = index < 0 ? undefined : this.belief(index, viewer, nowMs);
    if (belief === undefined || (!belief.alive && belief.knownMs === -Infinity)) return undefined;
    const place = this.#place(index);
    const state = belief.alive ? 'alive' : 'dead';
    if (place.shown?.incarnation !== belief.incarnation || place.shown.state !== state) {
      place.shown = { ...place.record, incarnation: belief.incarnation, state };
    }
    return place.shown;
  }

  owner(key: string, viewer: number, nowMs: number): NodeId | undefined {
    if (this.#unsettled.size === 0) return this.#ring.owner(key);
    return this.#ring.owner(key, (id) => !this.#unsettled.has(id) || this.belief(this.index(id), viewer, nowMs)?.alive === true);
  }

  /** The owner to those who have heard everything. */
  trueOwner(key: string): NodeId | undefined {
    return this.#ring.owner(key, (id) => this.#place(this.index(id)).changes.at(-1)?.alive === true);
  }

  /** Changes that some may not have heard. */
  *unsettled(): Generator<Change> {
    for (const id of this.#unsettled) {
      const last = this.#place(this.index(id)).changes.at(-1);
      if (last !== undefined) yield last;
    }
  }

  /** How many there are, to within the few changes under way: the same for all. */
  get size(): number {
    return this.#size;
  }

  mean(): Resources {
    return this.#mean.value();
  }

  /** Those who truly take part: nobody's view, and near enough everybody's. */
  alive(): readonly Member[] {
    this.#alive ??= this.#places.flatMap(({ record, changes }) => {
      const last = changes.at(-1);
      return last?.alive === true ? [{ ...record, incarnation: last.incarnation, state: 'alive' as const }] : [];
    });
    return this.#alive;
  }

  #enter(record: Omit<MemberRecord, 'incarnation'>): void {
    this.#ring.add(record.id);
    this.#mean.set(record.id, record.capacity);
    this.#size++;
  }

  #leave({ id }: Omit<MemberRecord, 'incarnation'>): void {
    this.#mean.delete(id);
    this.#size--;
  }

  #place(member: number): Place {
    return this.#places[member] as Place;
  }
}

/** Longer than any node waits for gossip of a change. */
const SETTLED_MS = 120_000;
