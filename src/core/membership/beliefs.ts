import { assertNever } from '../../lib/assert.ts';
import type { Member, MemberRecord, Rumour, Turn } from '../model/index.ts';
import { outranks } from './claim.ts';
import type { Claim } from './claim.ts';
import { recordOf } from './member-table.ts';
import type { Entry, MemberTable } from './member-table.ts';
import type { Packets } from './packets.ts';
import type { RandomRounds } from './random-rounds.ts';
import type { RumourQueue } from './rumour-queue.ts';
import type { Suspicions } from './suspicion.ts';

interface Parts {
  readonly table: MemberTable;
  readonly queue: RumourQueue;
  readonly packets: Packets;
  readonly suspicions: Suspicions;
  /** Newcomers take part in each at once. */
  readonly orders: readonly RandomRounds[];
  readonly onChange: (turn: Turn, member: Member, previous: Member | undefined) => void;
}

/**
 * What this node believes of the others. Every piece of news about another member passes here, whatever way
 * it came: the table takes the newer, and what follows (suspicion, event, passing it on) follows in one place.
 */
export class Beliefs {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * A record: its member says that it is alive under this incarnation.
   * @param spread whether to pass on what is new; not for what a join or a first sync brings, which all others know
   * @returns the entry; undefined where the table is full
   */
  record(turn: Turn, record: MemberRecord, spread: boolean): Entry | undefined {
    const { table, orders, onChange } = this.#parts;
    const known = table.get(record.id);
    if (known === undefined) {
      const added = table.add(record, turn.nowMs);
      if (added === undefined) return undefined;
      for (const order of orders) order.insert(turn.random, added);
      turn.emit({ kind: 'member-alive', member: recordOf(added.member), first: true });
      onChange(turn, added.member, undefined);
      if (spread) this.#passOnRecord(added);
      return added;
    }
    if (record.incarnation <= known.record.incarnation) return known;
    const previous = known.member;
    const claimBefore = known.claim;
    table.merge(known.id, { record }, turn.nowMs);
    this.#follow(turn, known, previous, claimBefore, '');
    if (spread) this.#passOnRecord(known);
    return known;
  }

  /** Somebody (`by`, a short id) claims that a known member is suspect, dead or has left. */
  claim(turn: Turn, entry: Entry, claim: Claim, by: string, spread: boolean): void {
    const { table, suspicions } = this.#parts;
    if (outranks(claim, entry.claim)) {
      const previous = entry.member;
      const claimBefore = entry.claim;
      table.merge(entry.id, { claim }, turn.nowMs);
      this.#follow(turn, entry, previous, claimBefore, by);
      if (spread) this.#passOnState(entry, by);
    } else if (claim.state === 'suspect' && entry.claim.state === 'suspect') {
      const isNews = suspicions.confirm(turn, entry.id, claim.incarnation, by);
      if (isNews && spread) this.#passOnState(entry, by);
    }
  }

  /** What follows from a changed belief. */
  #follow(turn: Turn, entry: Entry, previous: Member, before: Claim, by: string): void {
    const { table, suspicions, onChange } = this.#parts;
    const { state, incarnation } = entry.claim;
    if (state !== before.state || (state === 'suspect' && incarnation !== before.incarnation)) {
      if (state === 'suspect') suspicions.start(turn, entry.id, incarnation, by, table.peers.length + 1);
      else suspicions.stop(entry.id);
    }
    // One that is elsewhere by now is news as one that came back is: it may have moved before anybody missed it.
    if (state !== before.state || (state === 'alive' && isElsewhere(entry.member, previous))) announce(turn, entry.member);
    if (entry.record.incarnation !== previous.incarnation || state !== previous.state) onChange(turn, entry.member, previous);
  }

  #passOnRecord(entry: Entry): void {
    this.#passOn(entry, { kind: 'record', member: entry.record });
  }

  #passOnState(entry: Entry, from: string): void {
    const { state, incarnation } = entry.claim;
    if (state !== 'alive') this.#passOn(entry, { kind: 'state', shortId: entry.shortId, incarnation, state, from });
  }

  #passOn(entry: Entry, rumour: Rumour): void {
    this.#parts.queue.put(entry.id, rumour, this.#parts.packets.rumourBytes(rumour));
  }
}

const isElsewhere = (member: Member, previous: Member): boolean =>
  member.underlayMtu !== previous.underlayMtu ||
  member.address.ip !== previous.address.ip ||
  member.address.controlPort !== previous.address.controlPort ||
  member.address.gossipPort !== previous.address.gossipPort;

/** The event of a member that came into a state. */
export function announce(turn: Turn, member: Member): void {
  const { id: nodeId, name, state } = member;
  switch (state) {
    case 'alive':
      return turn.emit({ kind: 'member-alive', member: recordOf(member), first: false });
    case 'suspect':
      return turn.emit({ kind: 'member-suspect', nodeId, name });
    case 'dead':
      return turn.emit({ kind: 'member-dead', nodeId, name });
    case 'left':
      return turn.emit({ kind: 'member-left', nodeId, name });
    default:
      return assertNever(state);
  }
}
