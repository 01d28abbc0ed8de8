import type { NodeId, Turn } from '../model/index.ts';
import type { MemberTable } from './member-table.ts';
import type { Packets } from './packets.ts';
import type { RandomRounds } from './random-rounds.ts';
import type { MembershipProfile } from './profile.ts';
import type { RumourQueue } from './rumour-queue.ts';
import type { Timers } from './timers.ts';

/**
 * Gossip packets of their own (memberlist's addition to SWIM), so that news need not wait for probes: each gossipMs,
 * to a few members, while something is queued. Idle, there is neither packet nor timer.
 * Deviation: targets come in random rounds, not by independent draws, so that each node tells a rumour to different
 * members; with draws, one of ten members misses one join in two, with rounds hardly ever.
 * Cost of one rumour: ⌈λ · log10(N + 1)⌉ sends per node, piggybacked ones included; everywhere after about log N rounds.
 */
export class Gossiper {
  readonly #table: MemberTable;
  readonly #queue: RumourQueue;
  readonly #packets: Packets;
  readonly #timers: Timers;
  readonly #profile: MembershipProfile;
  readonly #order: RandomRounds;
  #hasNews = false;

  constructor(table: MemberTable, queue: RumourQueue, packets: Packets, timers: Timers, order: RandomRounds, profile: MembershipProfile) {
    this.#table = table;
    this.#queue = queue;
    this.#packets = packets;
    this.#timers = timers;
    this.#profile = profile;
    this.#order = order;
  }

  /** After each input: sees to it that queued news gets told. True where the last of it has just been. */
  wake(turn: Turn): boolean {
    const hadNews = this.#hasNews;
    this.#hasNews = this.#queue.size > 0;
    if (this.#hasNews && !this.#timers.isArmed('gossip', '')) this.#timers.arm(turn, 'gossip', '', this.#profile.gossipMs);
    return hadNews && !this.#hasNews;
  }

  /** The 'gossip' timer. Without anybody to tell, news is dropped: whoever comes learns it by sync. */
  round(turn: Turn): void {
    if (this.#table.peers.length === 0) return this.#queue.clear();
    this.tell(turn, this.#profile.gossipFanout);
  }

  tell(turn: Turn, count: number): void {
    const told = new Set<NodeId>();
    while (told.size < count && this.#queue.size > 0) {
      const target = this.#order.next(turn.random);
      if (target === undefined || told.has(target.id)) return;
      told.add(target.id);
      this.#packets.sendNews(turn, target.id);
    }
  }
}
