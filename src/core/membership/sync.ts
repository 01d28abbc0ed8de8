import type { Member, NodeId, SyncReply, SyncRequest, Turn } from '../model/index.ts';
import type { Entry, MemberTable } from './member-table.ts';
import type { MembershipProfile } from './profile.ts';
import type { Timers } from './timers.ts';

/**
 * Sync: what gossip missed (§5.6 of Bimodal Multicast's idea, memberlist's push-pull), without sending the table.
 *
 * A asks with 256 bucket hashes; B answers with its members of the buckets that differ and wants A's; A answers
 * those. Where B may not know A or A's address, A first sends its own record, as a sync-reply of one member.
 * Each syncMs with a random member; sooner after a start or join (until answered), when a bout of gossip is over, and
 * whenever something unknown turns up, at most each syncMinMs. Cost without differences: about 1.3 kB on a stream per syncMs.
 */
export class Syncer {
  readonly #table: MemberTable;
  readonly #timers: Timers;
  readonly #profile: MembershipProfile;
  #isJoining = false;
  #dueMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(table: MemberTable, timers: Timers, profile: MembershipProfile) {
    this.#table = table;
    this.#timers = timers;
    this.#profile = profile;
  }

  /** From a start with known members, or a join, until the first answer: others know better than we do. */
  get isJoining(): boolean {
    return this.#isJoining;
  }

  start(turn: Turn): void {
    this.#arm(turn);
  }

  stop(): void {
    this.#isJoining = false;
    this.#dueMs = Number.NEGATIVE_INFINITY;
    this.#timers.disarm('sync', '');
  }

  /** Starts or joins: with a random member, again each syncRetryMs until one answers. */
  join(turn: Turn): void {
    this.#isJoining = true;
    this.round(turn);
  }

  /** The 'sync' timer. */
  round(turn: Turn): void {
    const peer = this.#anyPeer(turn);
    if (peer !== undefined) this.#request(turn, peer.id);
    this.#arm(turn);
  }

  /** A bout of gossip is over: brings the next sync forward, to find what it missed. */
  settle(turn: Turn): void {
    const afterMs = this.#profile.syncSettleMs * Math.max(1, this.#table.peers.length / 50);
    this.#armAfter(turn, jittered(turn, afterMs));
  }

  /** Something unknown turned up: asks `preferred` if it is known, else anybody, unless a sync was just made. */
  soon(turn: Turn, preferred: NodeId | undefined): void {
    if (turn.nowMs - this.#lastMs < this.#profile.syncMinMs) return;
    const known = preferred === undefined ? undefined : this.#table.get(preferred);
    const peer = known ?? this.#anyPeer(turn);
    if (peer !== undefined) this.#request(turn, peer.id);
  }

  answer(turn: Turn, to: NodeId, { buckets }: SyncRequest): void {
    if (buckets.length === 0) return this.#reply(turn, to, this.#table.members(), []);
    const differing = this.#table.buckets.differing(buckets);
    this.#reply(turn, to, this.#table.inBuckets(new Set(differing)), differing);
  }

  /** After the members of a reply were taken in. */
  answered(turn: Turn, from: NodeId, reply: SyncReply): void {
    if (this.#isJoining && !isIntroduction(from, reply)) {
      this.#isJoining = false;
      this.#arm(turn);
    }
    if (reply.wanted.length > 0) this.#reply(turn, from, this.#table.inBuckets(new Set(reply.wanted)), []);
  }

  #anyPeer({ random }: Turn): Entry | undefined {
    const { peers } = this.#table;
    return peers.length === 0 ? undefined : peers.at(random.int(peers.length));
  }

  #request(turn: Turn, to: NodeId): void {
    this.#lastMs = turn.nowMs;
    const { self, buckets } = this.#table;
    const entry = this.#table.get(to);
    if (entry === undefined || !entry.heard || entry.member.state !== 'alive') {
      turn.send(to, { kind: 'sync-reply', members: [self.member], wanted: [] });
    }
    turn.send(to, { kind: 'sync-request', buckets: buckets.values() });
  }

  /** In chunks of profile.syncMembers; what is wanted back goes with the last. */
  #reply(turn: Turn, to: NodeId, members: readonly Member[], wanted: readonly number[]): void {
    const size = this.#profile.syncMembers;
    let from = 0;
    for (; members.length - from > size; from += size) {
      turn.send(to, { kind: 'sync-reply', members: members.slice(from, from + size), wanted: [] });
    }
    turn.send(to, { kind: 'sync-reply', members: members.slice(from), wanted });
  }

  #arm(turn: Turn): void {
    const { syncMs, syncRetryMs } = this.#profile;
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#armAfter(turn, this.#isJoining ? syncRetryMs : jittered(turn, syncMs));
  }

  /** Unless one is due earlier, or this node has stopped. */
  #armAfter(turn: Turn, afterMs: number): void {
    if (turn.nowMs + afterMs >= this.#dueMs) return;
    this.#dueMs = turn.nowMs + afterMs;
    this.#timers.arm(turn, 'sync', '', afterMs);
  }
}

const jittered = (turn: Turn, ms: number): number => Math.floor(ms * (0.75 + 0.5 * turn.random.float()));

/** An answer that holds the answerer's record wants that bucket back; only an introduction does not. */
function isIntroduction(from: NodeId, { members, wanted }: SyncReply): boolean {
  return wanted.length === 0 && members.length === 1 && members[0]?.id === from;
}
