import { assert, assertNever } from '../../lib/assert.ts';
import { LIMITS } from '../model/index.ts';
import type { AgreedVersion, Hint, Member, MemberRecord, MembershipMessage, Message, NodeId, Timer, Turn } from '../model/index.ts';
import { AgreedNews } from './agreed-news.ts';
import { Beliefs } from './beliefs.ts';
import { isLive } from './claim.ts';
import { DeadProber } from './dead-prober.ts';
import { Gossiper } from './gossiper.ts';
import { LocalHealth } from './local-health.ts';
import { MemberTable } from './member-table.ts';
import { News } from './news.ts';
import { Packets } from './packets.ts';
import { RandomRounds } from './random-rounds.ts';
import { Prober } from './probe.ts';
import type { MembershipProfile } from './profile.ts';
import { Relays } from './relays.ts';
import { RumourQueue } from './rumour-queue.ts';
import { Self } from './self.ts';
import { Suspicions } from './suspicion.ts';
import { Syncer } from './sync.ts';
import { Timers } from './timers.ts';

export interface MembershipOptions {
  /** With its fresh incarnation. */
  readonly self: MemberRecord;
  readonly profile: MembershipProfile;
  /** After a restart: whom this node knew. Taken for alive until probes or a sync say otherwise. */
  readonly lastKnown: readonly MemberRecord[];
  /** Encoded size of a message in bytes, before sealing. */
  encodedBytes(message: Message): number;
  /** Hints to piggyback, at most n. Called when a packet is filled. */
  takeHints(n: number): readonly Hint[];
  onHints(turn: Turn, hints: readonly Hint[]): void;
  /** A member (this node, too) changed its state or its record, or appeared. A forgotten one just goes. */
  onChange(turn: Turn, member: Member, previous: Member | undefined): void;
  /** This node's incarnation was raised and must be made durable. */
  onIncarnation(turn: Turn, incarnation: number): void;
}

/**
 * Who is alive: SWIM (Das, Gupta, Motivala 2002) with Lifeguard (Dadgar, Phillips, Currey 2018), full membership.
 *
 * Each node probes one member at a time (probe.ts, relays.ts); one that does not answer becomes suspect, and dead
 * unless it refutes in time (suspicion.ts, self.ts). News rides on probes and on gossip of its own (rumour-queue.ts,
 * packets.ts, gossiper.ts); sync repairs what gossip missed (sync.ts). Claims are totally ordered (claim.ts), so all
 * end with the same table.
 * Deviations: the dead are probed for a day, so a healed partition grows together (dead-prober.ts); a sync's "dead"
 * only makes suspect whom we hold alive, so that a healed half gets to refute; whoever may not know us, or is not
 * alive to us, is told so directly (packets.ts).
 * Cost at the lan profile, idle: 4 packets a second sent, 340 bytes a second sealed (hints apart), whatever N is.
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #table: MemberTable;
  readonly #timers = new Timers();
  readonly #queue = new RumourQueue();
  readonly #packets: Packets;
  readonly #suspicions: Suspicions;
  readonly #beliefs: Beliefs;
  readonly #self: Self;
  readonly #prober: Prober;
  readonly #relays: Relays;
  readonly #gossiper: Gossiper;
  readonly #syncer: Syncer;
  readonly #deadProber: DeadProber;
  readonly #news: News;
  readonly #agreed = new AgreedNews();
  #sequence = 0;

  constructor(options: MembershipOptions) {
    this.#options = options;
    const { profile } = options;
    const nextSequence = () => (this.#sequence = (this.#sequence + 1) >>> 0);
    const onChange = (turn: Turn, member: Member, previous: Member | undefined) => {
      if (!isLive(member.state)) this.#agreed.gone(member.id);
      options.onChange(turn, member, previous);
    };
    const onIncarnation = (turn: Turn, incarnation: number) => options.onIncarnation(turn, incarnation);
    const onFailed = (turn: Turn, { id }: { readonly id: NodeId }) => this.#suspect(turn, id);
    const timers = this.#timers;
    const queue = this.#queue;
    const table = new MemberTable(options.self, LIMITS.members, options.lastKnown.length);
    const health = new LocalHealth(profile.healthMax);
    const probeOrder = new RandomRounds(table);
    const gossipOrder = new RandomRounds(table);
    const suspicions = new Suspicions(profile, timers);
    const packets = new Packets(
      table,
      queue,
      profile,
      (message) => options.encodedBytes(message),
      (n) => options.takeHints(n),
      () => this.#agreed.own,
    );
    this.#table = table;
    this.#packets = packets;
    this.#suspicions = suspicions;
    this.#beliefs = new Beliefs({ table, queue, packets, suspicions, orders: [probeOrder, gossipOrder], onChange });
    this.#self = new Self({ table, queue, packets, health, onChange, onIncarnation });
    this.#prober = new Prober({ table, packets, order: probeOrder, health, timers, profile, nextSequence, onFailed });
    this.#relays = new Relays(table, packets, timers, profile, nextSequence);
    this.#gossiper = new Gossiper(table, queue, packets, timers, gossipOrder, profile);
    this.#syncer = new Syncer(table, timers, profile);
    this.#deadProber = new DeadProber(table, packets, timers, profile, nextSequence);
    this.#news = new News(table, this.#beliefs, this.#self, this.#syncer);
  }

  /** Once, first. Reports this node and every last known member by onChange, without events: they are no news. */
  start(turn: Turn): void {
    // Acks to an earlier life of this node must not count.
    this.#sequence = turn.random.uint32();
    this.#options.onChange(turn, this.#table.self.member, undefined);
    for (const record of this.#options.lastKnown) {
      if (this.#table.get(record.id) !== undefined) continue;
      const entry = this.#table.add(record, turn.nowMs);
      if (entry !== undefined) this.#options.onChange(turn, entry.member, undefined);
    }
    this.#self.introduce();
    this.#prober.start(turn);
    this.#deadProber.start(turn);
    if (this.#table.peers.length > 0) this.#syncer.join(turn);
    else this.#syncer.start(turn);
    this.#end(turn);
  }

  receive(turn: Turn, from: NodeId, message: MembershipMessage): void {
    if (from === this.#table.self.id) return;
    const before = this.#table.get(from)?.member.state;
    this.#takeIn(turn, from, message);
    const sender = this.#table.get(from);
    if (sender !== undefined) this.#table.markHeard(sender);
    this.#handle(turn, from, message);
    const after = sender?.member.state;
    // Somebody unknown, or back from the dead: a sync brings what else we missed of it and its side.
    const isNews = after === undefined || (before === 'dead' && isLive(after));
    if (isNews && !this.#self.hasLeft) this.#syncer.soon(turn, from);
    // An ack to a ping tells it already; any other message is answered by this alone. Two that have both left would
    // tell each other without end.
    const isGone = after === 'dead' || after === 'left';
    if (isGone && message.kind !== 'ping' && !this.#self.hasLeft) this.#packets.sendNews(turn, from);
    this.#end(turn);
  }

  timer(turn: Turn, timer: Timer): void {
    const name = this.#timers.take(timer);
    if (name === undefined) return;
    switch (name) {
      case 'probe':
        this.#prober.next(turn);
        break;
      case 'probe-timeout':
        this.#prober.askOthers(turn);
        break;
      case 'relay':
        this.#relays.expire(turn, timer.key);
        break;
      case 'suspicion':
        this.#giveUp(turn, timer.key as NodeId);
        break;
      case 'gossip':
        this.#gossiper.round(turn);
        break;
      case 'sync':
        this.#syncer.round(turn);
        break;
      case 'dead-probe':
        this.#deadProber.next(turn);
        break;
      default:
        assertNever(name);
    }
    this.#end(turn);
  }

  /** Members from a join's answer: takes them for alive, syncs with one, tells them of this node. */
  learn(turn: Turn, members: readonly MemberRecord[]): void {
    if (this.#self.hasLeft) return;
    for (const record of members) {
      if (record.id !== this.#table.self.id) this.#beliefs.record(turn, record, false);
      else this.#self.defend(turn, { incarnation: record.incarnation, state: 'alive' }, undefined);
    }
    this.#self.introduce();
    this.#syncer.join(turn);
    this.#end(turn);
  }

  /** This node's own record changed: a new incarnation of it is gossiped. */
  describe(turn: Turn, change: Partial<Omit<MemberRecord, 'id' | 'incarnation'>>): void {
    this.#self.describe(turn, change);
    this.#end(turn);
  }

  /** What this node has of the agreed state: its probes, and answers to others', say so. */
  agreed(version: AgreedVersion): void {
    this.#agreed.set(version);
  }

  /** Tells some members at once and the rest by gossip; from now on this node probes nobody and answers only. */
  leave(turn: Turn): void {
    if (this.#self.hasLeft) return;
    this.#self.leave(turn);
    this.#prober.stop();
    this.#syncer.stop();
    this.#deadProber.stop();
    this.#gossiper.tell(turn, this.#options.profile.leaveFanout);
    this.#end(turn);
  }

  self(): Member {
    return this.#table.self.member;
  }

  /** In all states, this node included. The same array until something changes. */
  members(): readonly Member[] {
    return this.#table.members();
  }

  member(id: NodeId): Member | undefined {
    return this.#table.get(id)?.member;
  }

  /** Alive and suspect, this node included unless it left. */
  alive(): readonly Member[] {
    return this.#table.alive();
  }

  sizes(): { readonly rumours: number; readonly relays: number } {
    return { rumours: this.#queue.size, relays: this.#relays.size };
  }

  /** Ends every input. */
  #end(turn: Turn): void {
    const isOver = this.#gossiper.wake(turn);
    if (isOver) this.#syncer.settle(turn);
  }

  /** What a message brings, before it is answered. */
  #takeIn(turn: Turn, from: NodeId, message: MembershipMessage): void {
    switch (message.kind) {
      case 'ping':
      case 'ping-request':
      case 'ack':
      case 'gossip':
        for (const rumour of message.gossip) this.#news.rumour(turn, from, rumour);
        if (message.hints.length > 0) this.#options.onHints(turn, message.hints);
        if (message.agreed !== undefined && this.#isPeer(from)) this.#agreed.heard(turn, from, message.agreed);
        return;
      case 'sync-reply':
        for (const member of message.members) this.#news.synced(turn, from, member);
        return;
      case 'nack':
      case 'sync-request':
        return;
      default:
        assertNever(message);
    }
  }

  #handle(turn: Turn, from: NodeId, message: MembershipMessage): void {
    switch (message.kind) {
      case 'ping':
        if (message.target === this.#table.self.id) this.#packets.send(turn, from, { kind: 'ack', sequence: message.sequence });
        return;
      case 'ping-request':
        return this.#relays.request(turn, from, message);
      case 'ack':
        if (!this.#prober.ack(turn, from, message.sequence)) this.#relays.ack(turn, from, message.sequence);
        return;
      case 'nack':
        return this.#prober.nack(from, message.sequence);
      case 'sync-request':
        return this.#syncer.answer(turn, from, message);
      case 'sync-reply':
        return this.#syncer.answered(turn, from, message);
      case 'gossip':
        return;
      default:
        assertNever(message);
    }
  }

  #isPeer(id: NodeId): boolean {
    const state = this.#table.get(id)?.member.state;
    return state !== undefined && isLive(state);
  }

  #suspect(turn: Turn, id: NodeId): void {
    const entry = this.#table.get(id);
    assert(entry !== undefined, `a probe of ${id} failed, which is not a member`);
    const { incarnation } = entry.claim;
    this.#beliefs.claim(turn, entry, { incarnation, state: 'suspect' }, this.#table.self.shortId, true);
  }

  #giveUp(turn: Turn, id: NodeId): void {
    const incarnation = this.#suspicions.expire(id);
    const entry = this.#table.get(id);
    if (entry === undefined || incarnation === undefined) return;
    this.#beliefs.claim(turn, entry, { incarnation, state: 'dead' }, this.#table.self.shortId, true);
  }
}
