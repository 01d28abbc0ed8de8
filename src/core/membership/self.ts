import { LIMITS } from '../model/index.ts';
import type { Member, MemberRecord, NodeId, Turn } from '../model/index.ts';
import { announce } from './beliefs.ts';
import type { Claim } from './claim.ts';
import type { LocalHealth } from './local-health.ts';
import type { MemberTable } from './member-table.ts';
import type { Packets } from './packets.ts';
import type { RumourQueue } from './rumour-queue.ts';

interface Parts {
  readonly table: MemberTable;
  readonly queue: RumourQueue;
  readonly packets: Packets;
  readonly health: LocalHealth;
  readonly onChange: (turn: Turn, member: Member, previous: Member | undefined) => void;
  readonly onIncarnation: (turn: Turn, incarnation: number) => void;
}

/**
 * What this node says of itself. Only it may change its record or answer a claim against it, always under a
 * higher incarnation (SWIM §4.2); and the one who told us gets the answer directly, not only by gossip.
 */
export class Self {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get hasLeft(): boolean {
    return this.#parts.table.self.claim.state === 'left';
  }

  /** Answers what somebody (`teller`, where it was a node) said of us. */
  defend(turn: Turn, claim: Claim, teller: NodeId | undefined): void {
    if (this.hasLeft) return;
    const { table, packets, health } = this.#parts;
    const own = table.self.record.incarnation;
    // Alive under a higher one: an earlier life said so, and its last incarnation was not kept.
    // Nothing is higher than this, so no answer would be believed.
    if (claim.incarnation >= LIMITS.incarnation) return;
    const isWrong = claim.incarnation > own || (claim.incarnation === own && claim.state !== 'alive');
    if (isWrong) {
      health.worsen(1);
      this.#raise(turn, claim.incarnation + 1, {});
      turn.emit({ kind: 'refuted', incarnation: table.self.record.incarnation });
      if (teller !== undefined) packets.sendSelf(turn, teller);
    } else if (claim.incarnation < own && claim.state !== 'alive') {
      if (teller !== undefined) packets.sendSelf(turn, teller);
    }
  }

  describe(turn: Turn, change: Partial<Omit<MemberRecord, 'id' | 'incarnation'>>): void {
    if (this.hasLeft || isSame(this.#parts.table.self.record, change)) return;
    this.#raise(turn, this.#parts.table.self.record.incarnation + 1, change);
  }

  leave(turn: Turn): void {
    if (this.hasLeft) return;
    const { table, queue, packets, onChange } = this.#parts;
    const previous = table.self.member;
    const { id, shortId, record } = table.self;
    table.merge(id, { claim: { incarnation: record.incarnation, state: 'left' } }, turn.nowMs);
    announce(turn, table.self.member);
    onChange(turn, table.self.member, previous);
    const rumour = { kind: 'state', shortId, incarnation: record.incarnation, state: 'left', from: shortId } as const;
    queue.put(id, rumour, packets.rumourBytes(rumour));
  }

  /** Queues our record as news for everybody. */
  introduce(): void {
    const { table, queue, packets } = this.#parts;
    const rumour = packets.selfRumour();
    queue.put(table.self.id, rumour, packets.rumourBytes(rumour));
  }

  #raise(turn: Turn, wanted: number, change: Partial<MemberRecord>): void {
    const incarnation = Math.min(wanted, LIMITS.incarnation);
    const { table, onChange, onIncarnation } = this.#parts;
    const { member: previous, record, id } = table.self;
    table.merge(id, { record: { ...record, ...change, id, incarnation } }, turn.nowMs);
    onIncarnation(turn, incarnation);
    onChange(turn, table.self.member, previous);
    this.introduce();
  }
}

const isSame = (record: MemberRecord, change: Partial<MemberRecord>): boolean =>
  Object.entries(change).every(([key, value]) => JSON.stringify(value) === JSON.stringify(record[key as keyof MemberRecord]));
