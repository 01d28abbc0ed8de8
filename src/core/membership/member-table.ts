import { assert } from '../../lib/assert.ts';
import type { Prng } from '../../lib/prng.ts';
import { LIMITS } from '../model/index.ts';
import type { Member, MemberRecord, MemberState, NodeId } from '../model/index.ts';
import { isLive, outranks } from './claim.ts';
import type { Claim } from './claim.ts';
import { MemberColumns } from './member-columns.ts';
import { MemberIndex, rumourId } from './member-index.ts';
import { SyncBuckets, bucketOf } from './sync-buckets.ts';

/** What is known of a member, as of now: a view of the table, not to be kept beyond the turn. */
export interface Entry {
  readonly slot: number;
  readonly id: NodeId;
  readonly shortId: string;
  /** As its member gave it, and so with the state `alive`. */
  readonly record: Member;
  /**
   * The highest claim heard. Its incarnation may be ahead of the record's (the state rumour overtook the
   * record): the two are kept apart, so that an old record is never passed on under a new incarnation.
   */
  readonly claim: Claim;
  /** Whether it has sent us anything in this life: until then it may not know us, or our address. */
  readonly heard: boolean;
  /** What everybody else sees. */
  readonly member: Member;
}

/** Alive and suspect members without this node, in no particular order; changes with the table. */
export interface Peers {
  readonly length: number;
  at(place: number): Entry;
}

/**
 * Who is known, with an index by short id, cached lists and the sync digest. Both halves of an entry only
 * grow (records by incarnation, claims by `outranks`), so the same set of news gives the same table.
 * At most LIMITS.members entries: above, the longest dead or left makes room, else the newcomer is refused.
 */
export class MemberTable {
  readonly buckets = new SyncBuckets();
  readonly self: Entry;
  readonly peers: Peers;
  readonly #limit: number;
  readonly #columns: MemberColumns;
  readonly #index: MemberIndex;
  #size = 0;
  #members: readonly Member[] | undefined;
  #alive: readonly Member[] | undefined;
  /** Slots, kept up to date in place: a peer is asked for with every packet. */
  #peerSlots: Int32Array;
  #peerCount = 0;
  #dead: readonly NodeId[] | undefined;

  /** @param expected members to make room for at once */
  constructor(self: MemberRecord, limit: number = LIMITS.members, expected = 0) {
    this.#limit = limit;
    const columns = new MemberColumns(expected + 1);
    this.#columns = columns;
    this.#index = new MemberIndex((slot) => columns.record(slot).id, expected + 1);
    this.#peerSlots = new Int32Array(expected);
    const entryAt = (place: number): Entry => this.at(this.#peerSlots[place] as number);
    const count = (): number => this.#peerCount;
    this.peers = {
      get length() {
        return count();
      },
      at: entryAt,
    };
    this.self = this.#insert(self, 0);
    this.#unlist(this.self.slot);
  }

  get(id: NodeId): Entry | undefined {
    const slot = this.#index.find(id);
    return slot < 0 ? undefined : this.at(slot);
  }

  byShortId(shortId: string): Entry | undefined {
    const slot = this.#index.findShort(shortId);
    return slot < 0 ? undefined : this.at(slot);
  }

  /** The member in a slot that is taken. */
  at(slot: number): Entry {
    return new View(this.#columns, slot);
  }

  /** Whether a slot is taken by another member that is alive or suspect. */
  isPeer(slot: number): boolean {
    return this.#columns.records[slot] !== undefined && (this.#columns.places[slot] as number) >= 0;
  }

  /** In every state, this node included. The same array until something changes. */
  members(): readonly Member[] {
    return (this.#members ??= Array.from(this.#columns.slots(), (slot) => this.#columns.member(slot)));
  }

  /** Alive and suspect, this node included. */
  alive(): readonly Member[] {
    return (this.#alive ??= this.members().filter((member) => isLive(member.state)));
  }

  /** The slots of all peers, in random order. */
  shuffledPeers(random: Prng): Int32Array {
    const slots = this.#peerSlots.slice(0, this.#peerCount);
    for (let i = slots.length - 1; i > 0; i--) {
      const j = random.int(i + 1);
      const held = slots[i] as number;
      slots[i] = slots[j] as number;
      slots[j] = held;
    }
    return slots;
  }

  dead(): readonly NodeId[] {
    const columns = this.#columns;
    return (this.#dead ??= Array.from(columns.slots()).flatMap((slot) =>
      columns.state(slot) === 'dead' ? [columns.record(slot).id] : [],
    ));
  }

  /** Not by way of `members`, whose list would be made and thrown away with each change of a large table. */
  inBuckets(buckets: ReadonlySet<number>): readonly Member[] {
    const columns = this.#columns;
    const members: Member[] = [];
    for (const slot of columns.slots()) if (buckets.has(bucketOf(columns.record(slot).id))) members.push(columns.member(slot));
    return members;
  }

  /** Adds an unknown member as alive; undefined where the table is full of live ones. */
  add(record: MemberRecord, nowMs: number): Entry | undefined {
    assert(this.#index.find(record.id) < 0, `member ${record.id} is in the table already`);
    if (this.#size >= this.#limit && !this.#evict()) return undefined;
    return this.#insert(record, nowMs);
  }

  /** Takes in a record and a claim where they are newer; true if either was. */
  merge(id: NodeId, news: { readonly record?: MemberRecord; readonly claim?: Claim }, nowMs: number): boolean {
    const slot = this.#slot(id);
    const columns = this.#columns;
    const before = { record: columns.record(slot), claim: columns.claim(slot) };
    const isNewer = news.record !== undefined && news.record.incarnation > before.record.incarnation;
    const record: MemberRecord = isNewer && news.record !== undefined ? news.record : before.record;
    let { claim } = before;
    const alive: Claim = { incarnation: record.incarnation, state: 'alive' };
    if (outranks(alive, claim)) claim = alive;
    if (news.claim !== undefined && outranks(news.claim, claim)) claim = news.claim;
    if (!isNewer && claim === before.claim) return false;
    if (isLive(before.claim.state)) this.buckets.toggle(id, before.record.incarnation);
    if (isLive(claim.state)) this.buckets.toggle(id, record.incarnation);
    if (claim.state !== before.claim.state) columns.since[slot] = nowMs;
    if (isNewer) columns.records[slot] = asAlive(record);
    if (isNewer || claim.state !== before.claim.state) this.#changed();
    columns.setClaim(slot, claim);
    if (!isLive(claim.state)) this.#unlist(slot);
    else if (slot !== this.self.slot) this.#list(slot);
    return true;
  }

  markHeard({ slot }: Entry): void {
    this.#columns.heard[slot] = 1;
  }

  /** Drops those that have been dead or have left for longer than their bounds. */
  forget(nowMs: number, bounds: { readonly deadKeptMs: number; readonly leftKeptMs: number }): void {
    for (const slot of this.#gone()) {
      const keptMs = this.#columns.state(slot) === 'dead' ? bounds.deadKeptMs : bounds.leftKeptMs;
      if (nowMs - (this.#columns.since[slot] as number) > keptMs) this.#delete(slot);
    }
  }

  /** Slots of those that are dead or have left. */
  *#gone(): Generator<number> {
    for (const slot of this.#columns.slots()) if (slot !== this.self.slot && !isLive(this.#columns.state(slot))) yield slot;
  }

  #slot(id: NodeId): number {
    const slot = this.#index.find(id);
    assert(slot >= 0, `member ${id} is not in the table`);
    return slot;
  }

  #insert(record: MemberRecord, nowMs: number): Entry {
    const slot = this.#columns.take(asAlive(record), nowMs);
    this.#index.add(slot);
    this.#size++;
    this.buckets.toggle(record.id, record.incarnation);
    this.#list(slot);
    this.#changed();
    return this.at(slot);
  }

  #evict(): boolean {
    const { since } = this.#columns;
    let oldest = -1;
    for (const slot of this.#gone()) {
      if (oldest < 0 || (since[slot] as number) < (since[oldest] as number)) oldest = slot;
    }
    if (oldest >= 0) this.#delete(oldest);
    return oldest >= 0;
  }

  #delete(slot: number): void {
    this.#index.delete(slot);
    this.#columns.release(slot);
    this.#size--;
    this.#changed();
  }

  #list(slot: number): void {
    const { places } = this.#columns;
    if ((places[slot] as number) >= 0) return;
    if (this.#peerCount >= this.#peerSlots.length) {
      const longer = new Int32Array(Math.ceil(this.#peerSlots.length * 1.5) + 8);
      longer.set(this.#peerSlots);
      this.#peerSlots = longer;
    }
    places[slot] = this.#peerCount;
    this.#peerSlots[this.#peerCount++] = slot;
  }

  /** The last peer takes its place. */
  #unlist(slot: number): void {
    const { places } = this.#columns;
    const place = places[slot] as number;
    if (place < 0) return;
    const last = this.#peerSlots[--this.#peerCount] as number;
    this.#peerSlots[place] = last;
    places[last] = place;
    places[slot] = -1;
  }

  #changed(): void {
    this.#members = undefined;
    this.#alive = undefined;
    this.#dead = undefined;
  }
}

class View implements Entry {
  readonly slot: number;
  readonly #columns: MemberColumns;

  constructor(columns: MemberColumns, slot: number) {
    this.#columns = columns;
    this.slot = slot;
  }

  get id(): NodeId {
    return this.#columns.record(this.slot).id;
  }

  get shortId(): string {
    return rumourId(this.id);
  }

  get record(): Member {
    return this.#columns.record(this.slot);
  }

  get claim(): Claim {
    return this.#columns.claim(this.slot);
  }

  get heard(): boolean {
    return this.#columns.heard[this.slot] === 1;
  }

  get member(): Member {
    return this.#columns.member(this.slot);
  }
}

/** A record without the state that a message may carry beside it. */
export function recordOf(record: MemberRecord & { readonly state?: MemberState }): MemberRecord {
  const { state: _, ...rest } = record;
  return rest;
}

/** The record itself where it says so already: records are shared with the messages that they came in. */
function asAlive(record: MemberRecord & { readonly state?: MemberState }): Member {
  return record.state === 'alive' ? (record as Member) : { ...record, state: 'alive' };
}
