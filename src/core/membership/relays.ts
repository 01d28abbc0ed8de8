import type { NodeId, PingRequest, Turn } from '../model/index.ts';
import type { MemberTable } from './member-table.ts';
import type { Packets } from './packets.ts';
import type { MembershipProfile } from './profile.ts';
import type { Timers } from './timers.ts';

interface Relay {
  readonly requester: NodeId;
  /** The requester's sequence number, under which it awaits our ack or nack. */
  readonly theirs: number;
  readonly target: NodeId;
}

/**
 * Pings on behalf of others: each is answered once, by ack where the target answered, by nack where it did not in
 * time or can't be tried (unknown here, or profile.relays under way).
 */
export class Relays {
  readonly #table: MemberTable;
  readonly #packets: Packets;
  readonly #timers: Timers;
  readonly #profile: MembershipProfile;
  readonly #nextSequence: () => number;
  readonly #open = new Map<number, Relay>();

  constructor(table: MemberTable, packets: Packets, timers: Timers, profile: MembershipProfile, nextSequence: () => number) {
    this.#table = table;
    this.#packets = packets;
    this.#timers = timers;
    this.#profile = profile;
    this.#nextSequence = nextSequence;
  }

  get size(): number {
    return this.#open.size;
  }

  request(turn: Turn, requester: NodeId, { sequence: theirs, target }: PingRequest): void {
    if (target === this.#table.self.id) return this.#packets.send(turn, requester, { kind: 'ack', sequence: theirs });
    if (this.#table.get(target) === undefined || this.#open.size >= this.#profile.relays) {
      return turn.send(requester, { kind: 'nack', sequence: theirs });
    }
    const sequence = this.#nextSequence();
    this.#open.set(sequence, { requester, theirs, target });
    this.#packets.send(turn, target, { kind: 'ping', sequence, target });
    this.#timers.arm(turn, 'relay', String(sequence), this.#profile.nackShare * this.#profile.probeTimeoutMs);
  }

  ack(turn: Turn, from: NodeId, sequence: number): void {
    const relay = this.#open.get(sequence);
    if (relay === undefined || relay.target !== from) return;
    this.#open.delete(sequence);
    this.#timers.disarm('relay', String(sequence));
    this.#packets.send(turn, relay.requester, { kind: 'ack', sequence: relay.theirs });
  }

  /** The 'relay' timer: no ack in time. */
  expire(turn: Turn, key: string): void {
    const sequence = Number(key);
    const relay = this.#open.get(sequence);
    this.#open.delete(sequence);
    if (relay !== undefined) turn.send(relay.requester, { kind: 'nack', sequence: relay.theirs });
  }
}
