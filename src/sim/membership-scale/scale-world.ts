import { HintTable } from '../../core/discovery/hint-table.ts';
import { Membership } from '../../core/membership/membership.ts';
import { PROFILES } from '../../core/membership/profile.ts';
import { STREAM_KINDS } from '../../core/model/index.ts';
import type { Hint, Member, MembershipMessage, Message, NodeId, Timer, Turn } from '../../core/model/index.ts';
import { Heap } from '../../lib/heap.ts';
import { Prng } from '../../lib/prng.ts';
import { ByteCounts } from './byte-counts.ts';
import { MessageSizes } from './message-bytes.ts';
import { drawRecord } from './scale-record.ts';
import { Spread } from './spread.ts';

export interface ScaleOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly profile: 'lan' | 'wan';
  /** Share of datagrams lost. */
  readonly loss: number;
  /** Regions that hints tell of; 0: none are gossiped. */
  readonly regions: number;
  /** Nodes that will join. */
  readonly joins: number;
}

interface ScaleNode {
  readonly index: number;
  readonly membership: Membership;
  readonly hints: HintTable | undefined;
}

type ScaleTurn = { -readonly [K in keyof Turn]: Turn[K] };

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly node: ScaleNode;
  /** A timer, or a message and who sent it. */
  readonly timer: Timer | undefined;
  readonly from: NodeId | undefined;
  readonly message: MembershipMessage | undefined;
}

/**
 * Thousands of real Membership machines in virtual time: nothing but membership and hints, messages by
 * reference, records shared by all nodes that have them. It begins where an instance has been for long:
 * everybody knows, and has heard from, everybody.
 */
export class ScaleWorld {
  readonly bytes: ByteCounts;
  readonly deaths = new Map<NodeId, Spread>();
  readonly joins = new Map<NodeId, Spread>();
  /** By region and stamp. */
  readonly rows = new Map<string, Spread>();
  /** Times that some node took a living one for dead. */
  falseDeaths = 0;
  nowMs = 0;
  events = 0;
  measuring = false;
  readonly #options: ScaleOptions;
  readonly #random: Prng;
  readonly #sizes = new MessageSizes();
  /** The one turn that goes on; whose it is, `#current` says. */
  readonly #turn: ScaleTurn;
  #current: ScaleNode | undefined;
  readonly #nodes: ScaleNode[] = [];
  readonly #up: boolean[] = [];
  readonly #byId = new Map<NodeId, ScaleNode>();
  readonly #queue = new Heap<Due>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
  readonly #latestRows = new Map<number, string>();
  #order = 0;

  constructor(options: ScaleOptions) {
    this.#options = options;
    this.#random = new Prng(options.seed);
    const nothing = (): void => {};
    this.#turn = {
      nowMs: 0,
      wallMs: 0,
      random: this.#random,
      send: (to, message) => this.#send(this.#current as ScaleNode, to, message),
      setTimer: (timer, afterMs) => this.#push(afterMs, this.#current as ScaleNode, timer, undefined, undefined),
      perform: nothing,
      reply: nothing,
      emit: nothing,
    };
    this.bytes = new ByteCounts(options.nodes + options.joins);
    const records = Array.from({ length: options.nodes }, (_, index) => drawRecord(this.#random, index));
    for (const [index, record] of records.entries()) this.#add(index, record, records);
    for (const node of this.#nodes) this.#within(node, (turn) => node.membership.start(turn));
    this.#everybodyHasHeardFromEverybody(records);
    for (let region = 0; region < options.regions; region++) this.#writeRow(this.#nodes[0], region, false);
    for (const { hints } of this.#nodes.slice(1)) hints?.merge(this.#nodes[0]?.hints?.all() ?? []);
  }

  get living(): number {
    return this.#up.reduce((sum, up) => sum + (up ? 1 : 0), 0);
  }

  runUntil(untilMs: number): void {
    for (let due = this.#queue.peek(); due !== undefined && due.atMs <= untilMs; due = this.#queue.peek()) {
      this.#queue.pop();
      this.nowMs = due.atMs;
      const { node, timer, from, message } = due;
      if (this.#up[node.index] !== true) continue;
      this.events++;
      this.#current = node;
      this.#turn.nowMs = this.nowMs;
      this.#turn.wallMs = WALL_MS + this.nowMs;
      if (timer !== undefined) node.membership.timer(this.#turn, timer);
      else if (from !== undefined && message !== undefined) node.membership.receive(this.#turn, from, message);
    }
    this.nowMs = untilMs;
  }

  /** A random node dies without a word. */
  crash(): void {
    const node = this.#anyNode();
    if (node === undefined) return;
    this.#up[node.index] = false;
    for (const spread of [...this.deaths.values(), ...this.joins.values(), ...this.rows.values()]) spread.gone(node.index);
    if (this.measuring) this.deaths.set(node.membership.self().id, new Spread(this.nowMs, this.#up));
  }

  /** A new node joins through a random one, which gives it the members it knows. */
  join(): void {
    const bootstrap = this.#anyNode();
    if (bootstrap === undefined) return;
    const index = this.#nodes.length;
    const record = drawRecord(this.#random, index);
    if (this.measuring) this.joins.set(record.id, new Spread(this.nowMs, this.#up));
    const node = this.#add(index, record, []);
    this.#within(node, (turn) => {
      node.membership.start(turn);
      const members = bootstrap.membership.alive();
      this.#count(bootstrap.index, { kind: 'sync-reply', members, wanted: [] });
      node.membership.learn(turn, members);
    });
  }

  /** A random trader writes a region's hint anew. */
  writeHint(): void {
    if (this.#options.regions > 0) this.#writeRow(this.#anyNode(), this.#random.int(this.#options.regions), true);
  }

  #writeRow(node: ScaleNode | undefined, region: number, watch: boolean): void {
    if (node?.hints === undefined) return;
    const key = { class: 'low', cpuBucket: (region % 10) - 2, memoryBucket: Math.floor(region / 10) - 4 } as const;
    node.hints.write(key, 1 + (this.#order % 12), 0, WALL_MS + this.nowMs);
    const hint = node.hints.get(key);
    if (!watch || hint === undefined) return;
    // What a newer row overtook may never reach everybody, and need not.
    const overtaken = this.#latestRows.get(region);
    if (overtaken !== undefined && this.rows.get(overtaken)?.isComplete === false) this.rows.delete(overtaken);
    this.#latestRows.set(region, rowKey(hint));
    const present = this.#up.map((up, index) => up && index !== node.index);
    this.rows.set(rowKey(hint), new Spread(this.nowMs, present));
  }

  #add(index: number, record: Member, lastKnown: readonly Member[]): ScaleNode {
    const { profile, regions, nodes } = this.#options;
    const hints = regions > 0 ? new HintTable(() => nodes) : undefined;
    const membership = new Membership({
      self: record,
      profile: PROFILES[profile],
      lastKnown: lastKnown.filter((other) => other !== record),
      encodedBytes: (message) => this.#sizes.of(message).all,
      takeHints: (n) => hints?.take(n) ?? [],
      onHints: (_turn, rows) => {
        for (const hint of hints?.merge(rows) ?? []) this.rows.get(rowKey(hint))?.heard(index, this.nowMs);
      },
      onChange: (_turn, member, previous) => this.#changed(index, member, previous),
      onIncarnation: () => undefined,
    });
    const node = { index, membership, hints };
    this.#nodes.push(node);
    this.#up.push(true);
    this.#byId.set(record.id, node);
    return node;
  }

  #changed(observer: number, member: Member, previous: Member | undefined): void {
    if (previous === undefined) this.joins.get(member.id)?.heard(observer, this.nowMs);
    if (member.state !== 'dead' || previous?.state === 'dead') return;
    const subject = this.#byId.get(member.id);
    if (subject !== undefined && this.#up[subject.index] === true) this.falseDeaths++;
    else this.deaths.get(member.id)?.heard(observer, this.nowMs);
  }

  #everybodyHasHeardFromEverybody(records: readonly Member[]): void {
    const nothing = (): void => {};
    const { nowMs } = this;
    const turn: Turn = {
      nowMs,
      wallMs: WALL_MS,
      random: this.#random,
      send: nothing,
      setTimer: nothing,
      perform: nothing,
      reply: nothing,
      emit: nothing,
    };
    const empty: MembershipMessage = { kind: 'gossip', gossip: [], hints: [] };
    for (const { membership } of this.#nodes) for (const { id } of records) membership.receive(turn, id, empty);
  }

  #within(node: ScaleNode, input: (turn: Turn) => void): void {
    this.#current = node;
    this.#turn.nowMs = this.nowMs;
    this.#turn.wallMs = WALL_MS + this.nowMs;
    input(this.#turn);
  }

  #send(from: ScaleNode, to: NodeId, message: Message): void {
    this.#count(from.index, message);
    const target = this.#byId.get(to);
    if (target === undefined || this.#up[target.index] !== true) return;
    const isStream = STREAM_KINDS.has(message.kind);
    if (!isStream && this.#random.chance(this.#options.loss)) return;
    const [leastMs, mostMs] = LATENCY_MS[this.#options.profile];
    const latencyMs = (leastMs + this.#random.float() * (mostMs - leastMs)) * (isStream ? 3 : 1);
    this.#push(latencyMs, target, undefined, from.membership.self().id, message as MembershipMessage);
  }

  #count(node: number, message: Message): void {
    if (this.measuring) this.bytes.sent(node, message, this.#sizes.of(message));
  }

  #push(
    afterMs: number,
    node: ScaleNode,
    timer: Timer | undefined,
    from: NodeId | undefined,
    message: MembershipMessage | undefined,
  ): void {
    this.#queue.push({ atMs: this.nowMs + afterMs, order: this.#order++, node, timer, from, message });
  }

  #anyNode(): ScaleNode | undefined {
    for (;;) {
      const node = this.#random.pick(this.#nodes);
      if (node === undefined || this.#up[node.index] === true) return node;
    }
  }
}

const rowKey = ({ region, stamp }: Hint): string => `${region.cpuBucket}/${region.memoryBucket}@${stamp}`;

const WALL_MS = 1_790_000_000_000;
/** One way: one site, and sites apart. */
const LATENCY_MS = { lan: [0.5, 5], wan: [20, 150] } as const;
