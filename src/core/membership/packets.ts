import { LIMITS } from '../model/index.ts';
import type { Ack, Gossip, Hint, Message, NodeId, Piggyback, Ping, PingRequest, Rumour, Turn } from '../model/index.ts';
import type { Entry, MemberTable } from './member-table.ts';
import type { MembershipProfile } from './profile.ts';
import { keyOf } from './rumour-queue.ts';
import type { RumourQueue } from './rumour-queue.ts';

/** A message that carries gossip and hints, before it has any. */
export type Bare<M extends Piggyback> = Omit<M, keyof Piggyback>;
type Carrier = Bare<Ping> | Bare<PingRequest> | Bare<Ack> | Bare<Gossip>;

/** Array headers that grow with their length, in any encoding: the count of gossip and of hints. */
const SLACK_BYTES = 8;

/**
 * Fills packets: the message, then what its addressee must know of itself and of us, then queued rumours,
 * then hints, within LIMITS.datagramBytes once sealed.
 *
 * Two rules save both ends from not knowing each other for ever, at no cost in the steady state:
 * whoever has not been heard from yet, or is not alive to us, gets our record (it may not know us, or our
 * address); whoever is not alive to us is told so, and refutes (Lifeguard's buddy system, extended to the dead).
 */
export class Packets {
  readonly #table: MemberTable;
  readonly #queue: RumourQueue;
  readonly #profile: MembershipProfile;
  readonly #encodedBytes: (message: Message) => number;
  readonly #takeHints: (n: number) => readonly Hint[];
  readonly #emptyBytes: number;
  readonly #hintBytes: number;

  constructor(
    table: MemberTable,
    queue: RumourQueue,
    profile: MembershipProfile,
    encodedBytes: (message: Message) => number,
    takeHints: (n: number) => readonly Hint[],
  ) {
    this.#table = table;
    this.#queue = queue;
    this.#profile = profile;
    this.#encodedBytes = encodedBytes;
    this.#takeHints = takeHints;
    this.#emptyBytes = encodedBytes({ kind: 'gossip', gossip: [], hints: [] });
    this.#hintBytes = encodedBytes({ kind: 'gossip', gossip: [], hints: [LARGEST_HINT] }) - this.#emptyBytes;
  }

  /** What a rumour adds to a packet. */
  rumourBytes(rumour: Rumour): number {
    return this.#encodedBytes({ kind: 'gossip', gossip: [rumour], hints: [] }) - this.#emptyBytes;
  }

  send(turn: Turn, to: NodeId, carrier: Carrier): void {
    turn.send(to, this.#fill(carrier, this.#concerning(this.#table.get(to))));
  }

  /** Queued news to somebody; nothing is sent where none fits or none is left. */
  sendNews(turn: Turn, to: NodeId): void {
    const message = this.#fill({ kind: 'gossip' }, this.#concerning(this.#table.get(to)));
    if (message.gossip.length > 0) turn.send(to, message);
  }

  /** Our own record, to somebody who is behind. */
  sendSelf(turn: Turn, to: NodeId): void {
    turn.send(to, this.#fill({ kind: 'gossip' }, [this.selfRumour()]));
  }

  selfRumour(): Rumour {
    return { kind: 'record', member: this.#table.self.member };
  }

  /** How often a rumour is sent: ⌈λ · log10(N + 1)⌉. */
  sends(): number {
    return Math.ceil(this.#profile.retransmit * Math.log10(this.#table.peers().length + 2));
  }

  #concerning(to: Entry | undefined): readonly Rumour[] {
    const state = to?.member.state;
    if (to !== undefined && to.heard && state === 'alive') return [];
    const first: Rumour[] = [];
    if (to !== undefined && state !== undefined && state !== 'alive') {
      const { incarnation } = to.claim;
      first.push({ kind: 'state', shortId: to.shortId, incarnation, state, from: this.#table.self.shortId });
    }
    first.push(this.selfRumour());
    return first;
  }

  #fill<M extends Carrier>(carrier: M, first: readonly Rumour[]): M & Piggyback {
    const most = LIMITS.datagramBytes - this.#profile.sealBytes;
    const room = most - this.#encodedBytes({ ...carrier, gossip: first, hints: [] }) - SLACK_BYTES;
    const besides = new Set(first.map((rumour) => this.#key(rumour)));
    const taken = this.#queue.take(Math.max(0, room), this.sends(), LIMITS.gossipPerPacket - first.length, besides);
    const gossip = [...first, ...taken.rumours];
    const count = Math.min(this.#profile.hintsPerPacket, LIMITS.hintsPerPacket, Math.floor((room - taken.bytes) / this.#hintBytes));
    const hints = count > 0 ? this.#takeHints(count) : [];
    return { ...carrier, gossip, hints };
  }

  #key(rumour: Rumour): string {
    if (rumour.kind === 'record') return keyOf(rumour.member.id, 'record');
    const subject = this.#table.byShortId(rumour.shortId);
    return subject === undefined ? '' : keyOf(subject.id, 'state');
  }
}

const LARGEST_HINT: Hint = {
  region: { class: 'high', cpuBucket: -2, memoryBucket: -4 },
  countLevel: 64,
  splitLevel: 32,
  stamp: 0xffff_ffff,
};
