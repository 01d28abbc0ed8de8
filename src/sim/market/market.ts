/**
 * Placement by the core's own nodes, thousands of them: publisher, trader, buyer, supplier and hint writer
 * are the real ones, wired by the real Node. What is not is what costs N² at full fidelity: membership.
 *
 * - Who is alive, the ring and the mean capacity are one roster for all; each node hears of a death or a join
 *   after a delay of its own (roster.ts, grapevine.ts).
 * - Hints are one log for all; each node sees a row after a delay of its own (hint-log.ts, gossip-delay.ts).
 * - Names are claimed by the real machine, but their registrations are only counted: confirmed, and kept nowhere.
 * - Messages are not encoded on their way (traffic-meter.ts samples their lengths). Engine and store answer at
 *   once. Each container is started as soon as it is ready, since one never started gives its place back.
 *
 * An ask counts as placed when its buyer has the answer that the container is ready; the outcome's time and hops
 * are those at which the supplier's accept that led to it was at the buyer. So an accept whose launch then
 * failed is never reported. An ask whose own node fails is never answered: nobody is left to ask.
 */
import { STREAM_KINDS, containerId, nodeId, requestId } from '../../core/model/index.ts';
import type {
  CommandId,
  ContainerId,
  Event,
  Message,
  NodeId,
  Register,
  RequestId,
  Resources,
  Result,
  Timer,
} from '../../core/model/index.ts';
import type { SurroundingsFactory } from '../../core/node/surroundings.ts';
import { PROFILES } from '../../core/membership/profile.ts';
import { assert } from '../../lib/assert.ts';
import { Prng } from '../../lib/prng.ts';
import { Schedule } from '../schedule.ts';
import type { Ask, Contender, NodeShape, Outcome, PlacementTraffic } from '../workloads/contender.ts';
import { Accounts } from './accounts.ts';
import { GossipDelay } from './gossip-delay.ts';
import { Grapevine } from './grapevine.ts';
import { HintLog } from './hint-log.ts';
import { HintView } from './hint-view.ts';
import { HintWatch } from './hint-watch.ts';
import { marketRecord } from './market-record.ts';
import { MarketNode } from './market-node.ts';
import type { Floor } from './market-node.ts';
import { askRequest, requestIdOf } from './requests.ts';
import { Roster } from './roster.ts';
import type { Change } from './roster.ts';
import { TrafficMeter } from './traffic-meter.ts';

export interface MarketOptions {
  readonly seed: number;
  readonly nodes: readonly NodeShape[];
  /** One way, uniform. */
  readonly latencyMs: readonly [number, number];
  /** Share of datagrams lost. */
  readonly loss: number;
}

interface Pending {
  readonly ask: Ask;
  readonly sinceMs: number;
  readonly containerId: ContainerId;
  readonly done: (outcome: Outcome) => void;
  /** Of the deepest message sent for it. */
  depth: number;
  /** At the newest launch: where, and what it had taken until then. */
  decided: { readonly node: number; readonly tookMs: number; readonly hops: number } | undefined;
}

export class Market implements Contender, Floor {
  readonly name = 'caravela';
  readonly schedule: Schedule;
  readonly random: Prng;
  readonly meter: TrafficMeter;
  readonly accounts: Accounts;
  readonly hints: HintLog;
  readonly #options: MarketOptions;
  readonly #network: Prng;
  readonly #ids: Prng;
  readonly #roster: Roster;
  readonly #grapevine: Grapevine;
  readonly #watch: HintWatch;
  readonly #nodes: MarketNode[] = [];
  readonly #pending = new Map<RequestId, Pending>();
  /** Commands under way, by node and id. */
  readonly #commands = new Map<string, RequestId>();
  readonly #placed = new Map<number, { readonly node: number; readonly requestId: RequestId; readonly containerId: ContainerId }>();
  /** Of all asks there were: also what nobody waits for any more, its buyer having failed, gives its place back one day. */
  readonly #requestOf = new Map<ContainerId, RequestId>();
  /** Why asks were refused, by error code; and what else went wrong after an accept. */
  readonly refusals = new Map<string, number>();
  #refusedReserves = 0;

  constructor(options: MarketOptions) {
    const { seed, nodes, loss } = options;
    this.#options = options;
    this.schedule = new Schedule(Number.POSITIVE_INFINITY);
    this.random = new Prng(seed);
    this.#network = new Prng(seed ^ 0x7ea1);
    this.#ids = new Prng(seed ^ 0x1d5);
    const delay = new GossipDelay(seed, nodes.length, loss);
    const { probeMs, gossipMs } = PROFILES.sim;
    this.hints = new HintLog(delay, probeMs / PACKETS_PER_PROBE);
    this.#roster = new Roster(delay, { packetMs: gossipMs, rotationMs: SYNC_MS });
    this.#grapevine = new Grapevine(this.#roster, this.schedule, (node, change) => this.#hear(node, change));
    this.#watch = new HintWatch(this.hints, this.#grapevine, this.schedule, (index) => this.#node(index));
    this.meter = new TrafficMeter(nodes.length);
    this.accounts = new Accounts(nodes);
    for (const [index, shape] of nodes.entries()) {
      const node = new MarketNode(index, marketRecord(nodeId(this.#ids.hex(16)), index, shape), this);
      this.#nodes.push(node);
      this.#roster.add(node.record, true);
    }
    for (const node of this.#nodes) this.#start(node, -Infinity);
    this.#settleLater();
    this.schedule.runUntil(WARM_UP_MS);
    this.meter.restart(this.schedule.nowMs);
  }

  get traffic(): PlacementTraffic {
    return this.meter.report(this.schedule.nowMs, this.#refusedReserves);
  }

  /** Asks without an answer. */
  get open(): number {
    return this.#pending.size;
  }

  submit(ask: Ask, done: (outcome: Outcome) => void): void {
    const id = requestId(this.#ids.hex(16));
    const container = containerId(this.#ids.hex(32));
    this.#pending.set(id, { ask, sinceMs: this.schedule.nowMs, containerId: container, done, depth: 0, decided: undefined });
    this.#requestOf.set(container, id);
    this.#grapevine.runBegins(ask.origin);
    const node = this.#node(ask.origin);
    // A run may be refused within its command: its number is known before.
    this.#commands.set(commandKey(node, node.nextCommand), id);
    node.command({ kind: 'run', request: askRequest(id, container, ask), exclude: [] });
  }

  stop(ask: number): void {
    const placed = this.#placed.get(ask);
    if (placed === undefined) return;
    this.#placed.delete(ask);
    this.#node(placed.node).command({ kind: 'remove', containerId: placed.containerId, force: true });
  }

  fail(index: number): void {
    const node = this.#node(index);
    assert(node.core !== undefined, `node ${index} is down already`);
    node.fail();
    this.accounts.fail(index);
    for (const [id, { ask }] of this.#pending) {
      if (ask.origin !== index) continue;
      this.#pending.delete(id);
      this.#grapevine.runEnds(index);
    }
    const detectedMs = DETECTION_MS[0] + this.random.float() * (DETECTION_MS[1] - DETECTION_MS[0]);
    this.#grapevine.changed(this.#roster.changed(index, false, node.incarnation, this.schedule.nowMs + detectedMs));
  }

  join(index: number): void {
    const node = this.#node(index);
    this.accounts.join(index);
    const { nowMs } = this.schedule;
    const change = this.#roster.changed(index, true, node.incarnation + 1, nowMs);
    this.#start(node, nowMs);
    this.#grapevine.changed(change);
  }

  used(): Resources {
    return this.accounts.used();
  }

  capacity(): Resources {
    return this.accounts.capacity();
  }

  fitsSomewhere(ask: Ask): boolean {
    return this.accounts.fitsSomewhere(ask.resources, ask.class);
  }

  // What nodes do.

  send(from: MarketNode, to: NodeId, message: Message, depth: number): void {
    const id = requestIdOf(message);
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (pending !== undefined) pending.depth = Math.max(pending.depth, depth + 1);
    const target = this.#nodes[this.#roster.index(to)];
    assert(target !== undefined, `${to} is no node of this market`);
    if (message.kind === 'launch' && pending !== undefined) this.#decide(pending, target.index, depth);
    this.meter.sent(message);
    this.#grapevine.sent(from.index, target.index, message);
    if (message.kind === 'publish') this.#watch.published(from.index, message);
    if (message.kind === 'register') return this.#confirm(from, target, message);
    const stream = STREAM_KINDS.has(message.kind);
    if (!stream && this.#network.chance(this.#options.loss)) {
      this.meter.lost++;
      return;
    }
    const [least, most] = this.#options.latencyMs;
    const latencyMs = least + this.#network.float() * (most - least);
    this.schedule.after(stream ? latencyMs * STREAM_LATENCIES : latencyMs, () => {
      if (target.core === undefined) {
        this.meter.lost++;
        return;
      }
      this.meter.received(target.index, this.schedule.nowMs);
      target.input(depth + 1, (core, turn) => core.receive(turn, from.id, message));
    });
  }

  /** A run's own timer goes on behind the deepest message; an accept that is said again is as deep as it was. */
  depthAt({ machine, name, key }: Timer): number {
    const depth = this.#pending.get(key as RequestId)?.depth ?? 0;
    if (machine === 'buyer') return depth;
    return name === 'repeat-accept' ? Math.max(0, depth - 1) : 0;
  }

  event(node: MarketNode, event: Event, depth: number): void {
    this.accounts.onEvent(node.index, event, (id) => this.#requestOf.get(id));
    if (event.kind === 'reserve-refused') this.#refusedReserves++;
    if (event.kind !== 'hold-released' || event.why !== 'launched') return;
    const pending = this.#pending.get(event.requestId);
    // The buyer is the supplier: its launch is on no network.
    if (pending?.ask.origin === node.index) this.#decide(pending, node.index, depth);
  }

  reply(node: MarketNode, command: CommandId, result: Result): void {
    const key = commandKey(node, command);
    const id = this.#commands.get(key);
    this.#commands.delete(key);
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (id === undefined || pending === undefined) return;
    this.#pending.delete(id);
    this.#grapevine.runEnds(node.index);
    const { ask, decided, containerId } = pending;
    if (!result.ok || decided === undefined) {
      const code = result.ok ? 'nowhere' : result.error.code;
      this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
      const tookMs = this.schedule.nowMs - pending.sinceMs;
      this.#later(() => pending.done({ node: undefined, tookMs, hops: pending.depth }));
      return;
    }
    this.#placed.set(ask.id, { node: decided.node, requestId: id, containerId });
    this.#later(() => {
      this.#node(decided.node).command({ kind: 'start', containerId });
      pending.done(decided);
    });
  }

  /** The name directory's owners: they confirm all, keep nothing, and cost what they cost. */
  #confirm(from: MarketNode, owner: MarketNode, { epoch }: Register): void {
    const registered = { kind: 'registered', epoch } as const;
    this.meter.sent(registered);
    const { core } = from;
    this.schedule.after(2 * this.#options.latencyMs[1], () => {
      if (from.core === core) from.input(0, (core, turn) => core.receive(turn, owner.id, registered));
    });
  }

  #decide(pending: Pending, node: number, hops: number): void {
    if (pending.decided?.node === node) return;
    pending.decided = { node, tookMs: this.schedule.nowMs - pending.sinceMs, hops };
  }

  #start(node: MarketNode, joinedMs: number): void {
    node.start(this.#surround(node, joinedMs), joinedMs);
  }

  #surround(node: MarketNode, joinedMs: number): SurroundingsFactory {
    const viewer = node.index;
    const roster = this.#roster;
    const now = (): number => this.schedule.nowMs;
    const hints = new HintView({ viewer, joinedMs, log: this.hints, nowMs: now, onWrite: (hint) => this.#watch.write(viewer, hint) });
    return (_config, _kept, listeners) => {
      node.listeners = listeners;
      const self = { ...node.record, incarnation: listeners.incarnation, state: 'alive' as const };
      const nothing = (): void => {};
      return {
        directory: {
          hints,
          ring: {
            get size() {
              return roster.size;
            },
            owner: (key) => roster.owner(key, viewer, now()),
          },
          mean: () => roster.mean(),
        },
        peers: {
          self: () => self,
          member: (id) => roster.member(id, viewer, now()),
          members: () => roster.alive(),
          alive: () => roster.alive(),
          start: nothing,
          receive: nothing,
          timer: nothing,
          leave: nothing,
          learn: nothing,
          describe: nothing,
        },
      };
    };
  }

  #hear(index: number, change: Change): void {
    const node = this.#node(index);
    const { listeners } = node;
    if (listeners === undefined) return;
    const { id } = this.#node(change.member);
    node.input(0, (_core, turn) => {
      listeners.onRing(turn);
      if (!change.alive) listeners.onGone(turn, id, 'died');
      else if (change.incarnation > 1) listeners.onRenewed(turn, id);
    });
  }

  #settleLater(): void {
    this.schedule.after(SETTLE_EVERY_MS, () => {
      this.#roster.settle(this.schedule.nowMs);
      this.#settleLater();
    });
  }

  #later(run: () => void): void {
    this.schedule.after(0, run);
  }

  #node(index: number): MarketNode {
    const node = this.#nodes[index];
    assert(node !== undefined, `this market has no node ${index}`);
    return node;
  }
}

const commandKey = (node: MarketNode, id: CommandId): string => `${node.index}/${id}`;

/** Received by a node in one probe interval: pings and acks of its own probes and of others'. */
const PACKETS_PER_PROBE = 2;
/** Between the syncs that repair what rumours missed. */
const SYNC_MS = 20_000;
/** From a node's failure to the first that holds it for dead: a missed probe and the suspicion. */
const DETECTION_MS = [4_000, 8_000] as const;
/** A new stream's handshakes and the message. */
const STREAM_LATENCIES = 3;
/** Until the first offers stand in their final shards. */
const WARM_UP_MS = 20 * 60_000;
const SETTLE_EVERY_MS = 30_000;
