import type { Command, CommandId, Event, HostFacts, MemberRecord, Message, NodeId, Order, Result, Turn } from '../../core/model/index.ts';
import { lastIncarnation } from '../../core/node/incarnation.ts';
import type { CoreNode, Kept, NodeConfig } from '../../core/node/port.ts';
import { assert } from '../../lib/assert.ts';
import { Prng } from '../../lib/prng.ts';
import { aboutMessage } from '../network/about-message.ts';
import type { PacketNetwork, Station } from '../network/packet-network.ts';
import type { Schedule } from '../schedule.ts';
import type { Trace } from '../trace.ts';
import { aboutCommand, aboutEvent, aboutOrder, aboutResult } from './about.ts';
import { RecordedTurn } from './recorded-turn.ts';
import type { Effect } from './recorded-turn.ts';
import { SimClock } from './sim-clock.ts';
import type { SimEngine } from './sim-engine.ts';
import { SimHost } from './sim-host.ts';
import { SimShell } from './sim-shell.ts';
import type { SimStore } from './sim-store.ts';

const NO_FACTS: HostFacts = { busyPorts: [], closedNetworks: [] };

/** Makes the core under test; the daemon's is core/node's Node. */
export type CoreFactory = (config: NodeConfig, kept: Kept) => CoreNode;

/** What the world is told about a node as it goes. */
export interface NodeWatcher {
  onEvent(node: SimNode, event: Event): void;
  /** After each input to the core, its effects done. */
  onStep(node: SimNode): void;
}

export interface SimNodeOptions {
  readonly index: number;
  readonly record: Omit<MemberRecord, 'incarnation'>;
  readonly seed: number;
  readonly clockRate: number;
  readonly wallSkewMs: number;
}

/**
 * A host with its daemon: the daemon's core comes and goes, store and engine stay. Inputs go in one
 * at a time and effects are performed after the input, in order, as the daemon does it.
 */
export class SimNode implements Station {
  readonly index: number;
  readonly id: NodeId;
  /** Undefined while the daemon is down. */
  core: CoreNode | undefined;
  record: Omit<MemberRecord, 'incarnation'>;
  /** Timers set and not yet due. */
  pendingTimers = 0;
  /** Counts the daemon's starts. */
  generation = 0;
  /** When it last came back from a pause: until all that waited is done, it is late with everything. */
  resumedMs = Number.NEGATIVE_INFINITY;
  /** Left the instance for good. */
  gone = false;
  /** When its labels last changed. */
  relabelledMs = Number.NEGATIVE_INFINITY;
  readonly shell: SimShell;
  /** What its daemon knows that the host can't give. */
  facts: HostFacts = NO_FACTS;
  #hostFacts: HostFacts = NO_FACTS;
  #paused = false;
  #backlog: (() => void)[] = [];
  /** Effects the next turn gets to do before the daemon dies. */
  #dieAfterEffects: number | undefined;
  #nextCommand = 1;
  readonly #replies = new Map<CommandId, (result: Result) => void>();
  readonly #random: Prng;
  readonly #host: SimHost;
  readonly #create: CoreFactory;
  readonly #network: PacketNetwork;
  readonly #schedule: Schedule;
  readonly #trace: Trace;
  readonly #watcher: NodeWatcher;

  constructor(
    options: SimNodeOptions,
    create: CoreFactory,
    network: PacketNetwork,
    schedule: Schedule,
    trace: Trace,
    watcher: NodeWatcher,
  ) {
    this.index = options.index;
    this.id = options.record.id;
    this.record = options.record;
    this.#random = new Prng(options.seed);
    this.#create = create;
    this.#network = network;
    this.#schedule = schedule;
    this.#trace = trace;
    this.#watcher = watcher;
    this.#host = new SimHost(
      schedule,
      new Prng(options.seed ^ 0x5eed),
      new SimClock(schedule, options.clockRate, options.wallSkewMs),
      (exit) => {
        this.#note(`engine: ${exit.taskId.slice(-8)} exited ${exit.exitCode}`);
        this.#input((core, turn) => core.observe(turn, exit));
      },
    );
    this.shell = new SimShell(
      () => this.core,
      (command) => this.#soon(command),
    );
    network.attach(this);
  }

  get store(): SimStore {
    return this.#host.store;
  }

  get engine(): SimEngine {
    return this.#host.engine;
  }

  get clock(): SimClock {
    return this.#host.clock;
  }

  /** What its disk does to writes. */
  get disk(): { diskFull: boolean; diskSlowMs: number } {
    return this.#host;
  }

  get ip(): string {
    return this.record.address.ip;
  }

  get up(): boolean {
    return this.core !== undefined;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get name(): string {
    return this.record.name;
  }

  addressOf(peer: NodeId): string | undefined {
    return this.core?.member(peer)?.address.ip;
  }

  deliver(from: NodeId, message: Message): void {
    this.#note(`receive ${aboutMessage(message)}`);
    this.#input((core, turn) => core.receive(turn, from, message));
  }

  /** Starts the daemon from what the store and the engine kept. */
  start(): void {
    assert(this.core === undefined, `${this.name} is up already`);
    this.generation++;
    const containers = this.store.containers();
    const known = new Set(containers.map((c) => c.request.containerId));
    this.engine.recover((id) => known.has(id));
    const kept: Kept = {
      incarnation: lastIncarnation(this.store.incarnation(), this.clock.wallMs()),
      members: this.store.members(),
      containers,
      tombstones: this.store.tombstones(),
      running: this.engine.running(),
      exited: this.engine.exited(),
    };
    this.core = this.#create({ self: this.record, profile: 'sim' }, kept);
    this.#note(`start ${this.generation}`);
    this.#input((core, turn) => core.start(turn));
    this.facts = NO_FACTS;
    if (this.#hostFacts !== NO_FACTS) this.#tellFacts();
    this.shell.started();
  }

  /** The daemon dies at once; containers run on. Commands under way get no answer. */
  crash(): void {
    if (this.core === undefined) return;
    this.#note('crash');
    this.core = undefined;
    this.#host.daemonDied();
    this.pendingTimers = 0;
    this.#backlog = [];
    this.#paused = false;
    this.#dieAfterEffects = undefined;
    this.#replies.clear();
  }

  /** The daemon dies within its next turn, after `effects` of its effects. */
  crashWithin(effects: number): void {
    this.#dieAfterEffects = effects;
  }

  /** The host goes down: daemon and containers end. */
  reboot(): void {
    this.crash();
    this.engine.reboot();
  }

  pause(): void {
    this.#paused = this.core !== undefined;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.resumedMs = this.#schedule.nowMs;
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const run of backlog) run();
  }

  /** Moves the host to another address; its daemon must be down. */
  readdress(ip: string): void {
    assert(this.core === undefined, `${this.name} changes its address only while it is down`);
    this.record = { ...this.record, address: { ...this.record.address, ip } };
    this.#network.attach(this);
  }

  /** What its labels are from now on, over restarts, too. */
  relabel(labels: MemberRecord['labels']): void {
    this.record = { ...this.record, labels };
    this.relabelledMs = this.#schedule.nowMs;
    this.command({ kind: 'describe', change: { labels } }, () => undefined);
  }

  /** Something else takes ports of the host, or its routes change; its daemon sees it whenever it is up. */
  changeHost(facts: HostFacts): void {
    this.#hostFacts = facts;
    if (this.up) this.#tellFacts();
  }

  #tellFacts(): void {
    const facts = this.#hostFacts;
    this.command({ kind: 'host-facts', facts }, () => {
      this.facts = facts;
    });
  }

  /** @param onReply not called if the daemon dies first */
  command(command: Command, onReply: (result: Result) => void): void {
    const id = this.#nextCommand++ as CommandId;
    this.#replies.set(id, onReply);
    this.#note(`command ${id} ${aboutCommand(command)}`);
    this.#input((core, turn) => core.command(turn, id, command));
  }

  #input(body: (core: CoreNode, turn: Turn) => void): void {
    const { core, generation } = this;
    if (core === undefined) return;
    if (this.#paused) {
      this.#backlog.push(() => {
        if (generation === this.generation) this.#input(body);
      });
      return;
    }
    const turn = new RecordedTurn(this.clock, this.#random);
    body(core, turn);
    for (const effect of turn.effects) {
      if (this.#dieAfterEffects !== undefined && this.#dieAfterEffects-- <= 0) {
        this.crash();
        return;
      }
      this.#perform(effect);
    }
    // The dead, too: two halves that both moved elsewhere find each other only by these.
    if (turn.events.some(({ kind }) => kind.startsWith('member-')))
      this.store.putMembers(core.members().filter((m) => m.state !== 'left' && m.id !== this.id));
    for (const event of turn.events) {
      this.#note(`event ${aboutEvent(event)}`);
      this.#watcher.onEvent(this, event);
      this.shell.happened(event);
    }
    this.#watcher.onStep(this);
  }

  #soon(command: () => Command | undefined): void {
    const { generation } = this;
    this.#schedule.after(0, () => {
      if (generation !== this.generation || !this.up) return;
      const wanted = command();
      if (wanted !== undefined) this.command(wanted, () => undefined);
    });
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        this.#network.send(this, effect.to, effect.message);
        return;
      case 'timer': {
        const { generation } = this;
        this.pendingTimers++;
        this.#schedule.after(this.clock.virtualMs(effect.afterMs), () => {
          if (generation !== this.generation || !this.up) return;
          this.pendingTimers--;
          this.#input((core, turn) => core.timer(turn, effect.timer));
        });
        return;
      }
      case 'order':
        this.#order(effect.order);
        return;
      case 'reply': {
        const onReply = this.#replies.get(effect.id);
        this.#note(`reply ${effect.id} ${aboutResult(effect.result)}`);
        assert(onReply !== undefined, `${this.name} replied to command ${effect.id}, which is not waiting: a second reply`);
        this.#replies.delete(effect.id);
        onReply(effect.result);
        return;
      }
    }
  }

  #order(order: Order): void {
    const { generation } = this;
    this.#note(`order ${aboutOrder(order)}`);
    this.#host.perform(order, (answer) => {
      if (generation !== this.generation) return;
      this.#note(`answer ${aboutOrder(order)} ${answer.ok ? 'ok' : answer.error.code}`);
      this.#input((core, turn) => core.answer(turn, order.id, answer));
    });
  }

  #note(what: string): void {
    this.#trace.note(this.#schedule.nowMs, this.index, what);
  }
}
