import { LIMITS } from '../model/index.ts';
import type { Ack, AgreedVersion, Gossip, Hint, Message, NodeId, Piggyback, Ping, PingRequest, Rumour, Turn } from '../model/index.ts';
import type { Entry, MemberTable } from './member-table.ts';
import type { MembershipProfile } from './profile.ts';
import { keyOf } from './rumour-queue.ts';
import type { RumourQueue } from './rumour-queue.ts';

/** A message that carries gossip and hints, before it has any. */
export type Bare<M extends Piggyback> = Omit<M, keyof Piggyback>;
type Carrier = Bare<Ping> | Bare<PingRequest> | Bare<Ack> | Bare<Gossip>;

/** Array headers that grow with their length, in any encoding: the count of gossip and of hints. */
const SLACK_BYTES = 8;
const NOTHING: ReadonlySet<string> = new Set();
const WIDEST_VERSION: AgreedVersion = { epoch: Number.MAX_SAFE_INTEGER, revision: Number.MAX_SAFE_INTEGER };
const WIDEST = { sequence: 0xffff_ffff, target: 'f'.repeat(32) as NodeId, agreed: WIDEST_VERSION } as const;

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
  readonly #agreed: () => AgreedVersion | undefined;
  /** At most, of a packet without news: nothing has to be encoded to know what room it has. */
  readonly #bareBytes: Readonly<Record<Carrier['kind'], number>>;
  readonly #emptyBytes: number;
  readonly #hintBytes: number;
  readonly #stateBytes: number[] = [];
  #self: { readonly rumour: Rumour; readonly bytes: number } | undefined;

  constructor(
    table: MemberTable,
    queue: RumourQueue,
    profile: MembershipProfile,
    encodedBytes: (message: Message) => number,
    takeHints: (n: number) => readonly Hint[],
    agreed: () => AgreedVersion | undefined = () => undefined,
  ) {
    this.#table = table;
    this.#queue = queue;
    this.#profile = profile;
    this.#encodedBytes = encodedBytes;
    this.#takeHints = takeHints;
    this.#agreed = agreed;
    this.#emptyBytes = encodedBytes({ kind: 'gossip', gossip: [], hints: [] });
    this.#hintBytes = encodedBytes({ kind: 'gossip', gossip: [], hints: [LARGEST_HINT] }) - this.#emptyBytes;
    const bare = { gossip: [], hints: [], ...WIDEST };
    this.#bareBytes = {
      ping: encodedBytes({ kind: 'ping', ...bare }),
      'ping-request': encodedBytes({ kind: 'ping-request', ...bare }),
      ack: encodedBytes({ kind: 'ack', ...bare }),
      gossip: this.#emptyBytes,
    };
  }

  /** What a rumour adds to a packet. Of one about a state only the incarnation's length varies. */
  rumourBytes(rumour: Rumour): number {
    if (rumour.kind === 'record') return this.#encodedBytes({ kind: 'gossip', gossip: [rumour], hints: [] }) - this.#emptyBytes;
    const bits = Math.floor(Math.log2(rumour.incarnation + 1));
    return (this.#stateBytes[bits] ??=
      this.#encodedBytes({
        kind: 'gossip',
        gossip: [{ ...rumour, incarnation: Math.min(LIMITS.incarnation, 2 ** (bits + 1) - 1) }],
        hints: [],
      }) - this.#emptyBytes);
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
    return this.#selfRumour().rumour;
  }

  /** How often a rumour is sent: ⌈λ · log10(N + 1)⌉. */
  sends(): number {
    return Math.ceil(this.#profile.retransmit * Math.log10(this.#table.peers.length + 2));
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
    let room = most - this.#bareBytes[carrier.kind] - SLACK_BYTES;
    for (const rumour of first) room -= rumour === this.#self?.rumour ? this.#self.bytes : this.rumourBytes(rumour);
    const besides = first.length === 0 ? NOTHING : new Set(first.map((rumour) => this.#key(rumour)));
    const taken = this.#queue.take(Math.max(0, room), this.sends(), LIMITS.gossipPerPacket - first.length, besides);
    const gossip = first.length === 0 ? taken.rumours : [...first, ...taken.rumours];
    const count = Math.min(this.#profile.hintsPerPacket, LIMITS.hintsPerPacket, Math.floor((room - taken.bytes) / this.#hintBytes));
    const hints = count > 0 ? this.#takeHints(count) : [];
    const agreed = carrier.kind === 'ping' || carrier.kind === 'ack' ? this.#agreed() : undefined;
    return { ...carrier, gossip, hints, ...(agreed !== undefined && { agreed }) };
  }

  /** The same until our record changes. */
  #selfRumour(): { readonly rumour: Rumour; readonly bytes: number } {
    const { member } = this.#table.self;
    if (this.#self?.rumour.kind !== 'record' || this.#self.rumour.member !== member) {
      const rumour: Rumour = { kind: 'record', member };
      this.#self = { rumour, bytes: this.rumourBytes(rumour) };
    }
    return this.#self;
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
