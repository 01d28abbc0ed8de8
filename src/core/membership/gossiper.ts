import type { Turn } from '../model/index.ts';
import type { MemberTable } from './member-table.ts';
import type { Packets } from './packets.ts';
import { pickSome } from './probe.ts';
import type { MembershipProfile } from './profile.ts';
import type { RumourQueue } from './rumour-queue.ts';
import type { Timers } from './timers.ts';

/**
 * Gossip packets of their own (Lifeguard and memberlist's addition to SWIM), so that news need not wait for probes:
 * each gossipMs, to a few members at random, while something is queued. Idle, there is neither packet nor timer.
 * Cost of one rumour: ⌈λ · log10(N + 1)⌉ sends per node, piggybacked ones included; everywhere after about log N rounds.
 */
export class Gossiper {
  readonly #table: MemberTable;
  readonly #queue: RumourQueue;
  readonly #packets: Packets;
  readonly #timers: Timers;
  readonly #profile: MembershipProfile;

  constructor(table: MemberTable, queue: RumourQueue, packets: Packets, timers: Timers, profile: MembershipProfile) {
    this.#table = table;
    this.#queue = queue;
    this.#packets = packets;
    this.#timers = timers;
    this.#profile = profile;
  }

  /** After each input: sees to it that queued news gets told. */
  wake(turn: Turn): void {
    if (this.#queue.size > 0 && !this.#timers.isArmed('gossip', '')) this.#timers.arm(turn, 'gossip', '', this.#profile.gossipMs);
  }

  /** The 'gossip' timer. Without anybody to tell, news is dropped: whoever comes learns it by sync. */
  round(turn: Turn): void {
    if (this.#table.peers().length === 0) return this.#queue.clear();
    this.tell(turn, this.#profile.gossipFanout);
  }

  tell(turn: Turn, count: number): void {
    for (const { id } of pickSome(turn.random, this.#table.peers(), count, () => true)) {
      if (this.#queue.size === 0) return;
      this.#packets.sendNews(turn, id);
    }
  }
}
