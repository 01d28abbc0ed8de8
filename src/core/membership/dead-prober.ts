import type { Turn } from '../model/index.ts';
import type { MemberTable } from './member-table.ts';
import type { Packets } from './packets.ts';
import type { MembershipProfile } from './profile.ts';
import type { Timers } from './timers.ts';

/**
 * The halves of a healed partition hold each other dead, and SWIM alone never makes them meet again. Each deadProbeMs
 * one dead member is pinged; the ping tells it so (Packets), it refutes and answers that we are dead to it, we refute,
 * and a sync between the two brings the rest together. Also forgets who is dead or left for too long.
 * Cost: one packet of about 300 bytes per deadProbeMs, only while somebody is dead.
 */
export class DeadProber {
  readonly #table: MemberTable;
  readonly #packets: Packets;
  readonly #timers: Timers;
  readonly #profile: MembershipProfile;
  readonly #nextSequence: () => number;

  constructor(table: MemberTable, packets: Packets, timers: Timers, profile: MembershipProfile, nextSequence: () => number) {
    this.#table = table;
    this.#packets = packets;
    this.#timers = timers;
    this.#profile = profile;
    this.#nextSequence = nextSequence;
  }

  start(turn: Turn): void {
    this.#timers.arm(turn, 'dead-probe', '', Math.floor(this.#profile.deadProbeMs * (0.5 + turn.random.float())));
  }

  stop(): void {
    this.#timers.disarm('dead-probe', '');
  }

  /** The 'dead-probe' timer. Its ack needs no waiting for: what counts is the refutation that comes with it. */
  next(turn: Turn): void {
    this.#table.forget(turn.nowMs, this.#profile);
    const target = turn.random.pick(this.#table.dead());
    if (target !== undefined) this.#packets.send(turn, target, { kind: 'ping', sequence: this.#nextSequence(), target });
    this.start(turn);
  }
}
