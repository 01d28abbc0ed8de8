import { assert } from '../../lib/assert.ts';
import { LIMITS } from '../model/index.ts';
import type { Member, MemberRecord, MemberState, NodeId } from '../model/index.ts';
import { isLive, outranks } from './claim.ts';
import type { Claim } from './claim.ts';
import { SyncBuckets, bucketOf } from './sync-buckets.ts';

/** How rumours refer to a known member: the first 16 hex digits of its id. */
export const rumourId = (id: NodeId): string => id.slice(0, 16);

export interface Entry {
  readonly id: NodeId;
  readonly shortId: string;
  readonly record: MemberRecord;
  /**
   * The highest claim heard. Its incarnation may be ahead of the record's (the state rumour overtook the
   * record): the two are kept apart, so that an old record is never passed on under a new incarnation.
   */
  readonly claim: Claim;
  /** When the state last changed, monotonic ms. */
  readonly sinceMs: number;
  /** Whether it has sent us anything in this life: until then it may not know us, or our address. */
  readonly heard: boolean;
  /** What everybody else sees. */
  readonly member: Member;
}

interface Row extends Entry {
  record: MemberRecord;
  claim: Claim;
  sinceMs: number;
  heard: boolean;
  member: Member;
  /** Where it is among the peers; −1 where it is not live. */
  place: number;
}

/**
 * Who is known, with an index by short id, cached lists and the sync digest. Both halves of an entry only
 * grow (records by incarnation, claims by `outranks`), so the same set of news gives the same table.
 * At most LIMITS.members entries: above, the longest dead or left makes room, else the newcomer is refused.
 */
export class MemberTable {
  readonly buckets = new SyncBuckets();
  readonly self: Entry;
  readonly #limit: number;
  readonly #rows = new Map<NodeId, Row>();
  readonly #byShortId = new Map<string, Row>();
  #members: readonly Member[] | undefined;
  #alive: readonly Member[] | undefined;
  /** Kept up to date in place: it is asked for with every packet. */
  readonly #peers: Row[] = [];
  #dead: readonly Entry[] | undefined;

  constructor(self: MemberRecord, limit: number = LIMITS.members) {
    this.#limit = limit;
    const row = this.#insert(self, 0);
    this.#unlist(row);
    this.self = row;
  }

  get(id: NodeId): Entry | undefined {
    return this.#rows.get(id);
  }

  byShortId(shortId: string): Entry | undefined {
    return this.#byShortId.get(shortId);
  }

  /** In every state, this node included. The same array until something changes. */
  members(): readonly Member[] {
    return (this.#members ??= [...this.#rows.values()].map((row) => row.member));
  }

  /** Alive and suspect, this node included. */
  alive(): readonly Member[] {
    return (this.#alive ??= this.members().filter((member) => isLive(member.state)));
  }

  /** Alive and suspect, without this node, in no particular order; changes with the table. */
  peers(): readonly Entry[] {
    return this.#peers;
  }

  dead(): readonly Entry[] {
    return (this.#dead ??= [...this.#rows.values()].filter((row) => row.claim.state === 'dead'));
  }

  inBuckets(buckets: ReadonlySet<number>): readonly Member[] {
    return this.members().filter((member) => buckets.has(bucketOf(member.id)));
  }

  /** Adds an unknown member as alive; undefined where the table is full of live ones. */
  add(record: MemberRecord, nowMs: number): Entry | undefined {
    assert(!this.#rows.has(record.id), `member ${record.id} is in the table already`);
    if (this.#rows.size >= this.#limit && !this.#evict()) return undefined;
    return this.#insert(record, nowMs);
  }

  /** Takes in a record and a claim where they are newer; true if either was. */
  merge(id: NodeId, news: { readonly record?: MemberRecord; readonly claim?: Claim }, nowMs: number): boolean {
    const row = this.#row(id);
    const record = news.record !== undefined && news.record.incarnation > row.record.incarnation ? recordOf(news.record) : row.record;
    let claim = row.claim;
    const alive: Claim = { incarnation: record.incarnation, state: 'alive' };
    if (outranks(alive, claim)) claim = alive;
    if (news.claim !== undefined && outranks(news.claim, claim)) claim = news.claim;
    if (record === row.record && claim === row.claim) return false;
    if (isLive(row.claim.state)) this.buckets.toggle(id, row.record.incarnation);
    if (isLive(claim.state)) this.buckets.toggle(id, record.incarnation);
    if (claim.state !== row.claim.state) row.sinceMs = nowMs;
    if (record !== row.record || claim.state !== row.claim.state) {
      row.member = { ...record, state: claim.state };
      this.#changed();
    }
    row.record = record;
    row.claim = claim;
    if (!isLive(claim.state)) this.#unlist(row);
    else if (row !== this.self) this.#list(row);
    return true;
  }

  markHeard(id: NodeId): void {
    this.#row(id).heard = true;
  }

  /** Drops those that have been dead or have left for longer than their bounds. */
  forget(nowMs: number, bounds: { readonly deadKeptMs: number; readonly leftKeptMs: number }): void {
    for (const row of this.#rows.values()) {
      if (row === this.self || isLive(row.claim.state)) continue;
      const keptMs = row.claim.state === 'dead' ? bounds.deadKeptMs : bounds.leftKeptMs;
      if (nowMs - row.sinceMs > keptMs) this.#delete(row);
    }
  }

  #row(id: NodeId): Row {
    const row = this.#rows.get(id);
    assert(row !== undefined, `member ${id} is not in the table`);
    return row;
  }

  #insert(given: MemberRecord, nowMs: number): Row {
    const record = recordOf(given);
    const row: Row = {
      id: record.id,
      shortId: rumourId(record.id),
      record,
      claim: { incarnation: record.incarnation, state: 'alive' },
      sinceMs: nowMs,
      heard: false,
      member: { ...record, state: 'alive' },
      place: -1,
    };
    this.#rows.set(row.id, row);
    this.#byShortId.set(row.shortId, row);
    this.buckets.toggle(row.id, record.incarnation);
    this.#list(row);
    this.#changed();
    return row;
  }

  #evict(): boolean {
    let oldest: Row | undefined;
    for (const row of this.#rows.values()) {
      if (row === this.self || isLive(row.claim.state)) continue;
      if (oldest === undefined || row.sinceMs < oldest.sinceMs) oldest = row;
    }
    if (oldest !== undefined) this.#delete(oldest);
    return oldest !== undefined;
  }

  #delete(row: Row): void {
    this.#rows.delete(row.id);
    if (this.#byShortId.get(row.shortId) === row) this.#byShortId.delete(row.shortId);
    this.#changed();
  }

  #list(row: Row): void {
    if (row.place >= 0) return;
    row.place = this.#peers.length;
    this.#peers.push(row);
  }

  /** The last peer takes its place. */
  #unlist(row: Row): void {
    const last = this.#peers.at(-1);
    if (row.place < 0 || last === undefined) return;
    this.#peers[row.place] = last;
    last.place = row.place;
    this.#peers.pop();
    row.place = -1;
  }

  #changed(): void {
    this.#members = undefined;
    this.#alive = undefined;
    this.#dead = undefined;
  }
}

/** A record without the state that a message may carry beside it. */
export function recordOf(record: MemberRecord & { readonly state?: MemberState }): MemberRecord {
  const { state: _, ...rest } = record;
  return rest;
}
