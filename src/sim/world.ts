import type { Command, Event, MemberRecord, NodeId, Result } from '../core/model/index.ts';
import { MIB } from '../core/model/index.ts';
import { Prng } from '../lib/prng.ts';
import type { Checker, Issued, Property, Violation, Watched } from './checkers/checker.ts';
import { NO_TEMPER } from './host/sim-engine.ts';
import { SimNode } from './host/sim-node.ts';
import type { CoreFactory } from './host/sim-node.ts';
import type { Conditions } from './network/conditions.ts';
import { PacketNetwork } from './network/packet-network.ts';
import type { Traffic } from './network/packet-network.ts';
import { Schedule } from './schedule.ts';
import { Trace } from './trace.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly conditions: Conditions;
  readonly createCore: CoreFactory;
  readonly checkers: readonly Checker[];
  /** Where each line of the trace goes, if anywhere. */
  readonly print?: ((line: string) => void) | undefined;
  /** What a drawn node looks like otherwise. */
  readonly describe?: ((index: number) => Partial<Omit<MemberRecord, 'id' | 'incarnation'>>) | undefined;
  /** All clocks agree and no engine fails, ends a task by itself or takes long. */
  readonly evenHosts?: boolean | undefined;
}

/** Of one checker; one bug tends to break a rule at every later step. */
const VIOLATIONS_KEPT = 5;
/** How often who can't join asks again. */
const JOIN_AGAIN_MS = 1_000;

/** Virtual time, the network, the nodes, and the checkers that watch them. */
export class World implements Watched {
  readonly schedule: Schedule;
  readonly trace: Trace;
  readonly network: PacketNetwork;
  readonly nodes: readonly SimNode[];
  readonly violations: Violation[] = [];
  /** Kinds of events seen, for the report. */
  readonly events = new Map<Event['kind'], number>();
  /** No fault is active, nor was since the instance last settled. */
  calm = false;
  readonly #checkers: readonly Checker[];
  readonly #random: Prng;
  readonly #open = new Set<Issued>();
  #issued = 0;

  constructor(options: WorldOptions) {
    this.#random = new Prng(options.seed);
    this.schedule = new Schedule(STEPS_PER_SECOND_AND_NODE * options.nodes);
    this.#checkers = options.checkers;
    this.trace = new Trace(options.print);
    this.network = new PacketNetwork(this.schedule, this.fork(), this.trace, options.conditions);
    const watcher = {
      onEvent: (node: SimNode, event: Event) => this.#onEvent(node, event),
      onStep: (node: SimNode) => this.#onStep(node),
    };
    this.nodes = Array.from({ length: options.nodes }, (_, index) => {
      const record = { ...this.#drawRecord(index), ...options.describe?.(index) };
      const clockRate = 1 + (options.evenHosts === true ? 0 : (this.#random.float() - 0.5) * CLOCK_DRIFT);
      const wallSkewMs = options.evenHosts === true ? 0 : (this.#random.float() - 0.5) * WALL_SKEW_MS;
      const node = { index, record, seed: this.#random.uint32(), clockRate, wallSkewMs };
      return new SimNode(node, options.createCore, this.network, this.schedule, this.trace, watcher);
    });
    if (options.evenHosts === true) for (const node of this.nodes) node.engine.temper = { ...NO_TEMPER };
  }

  get nowMs(): number {
    return this.schedule.nowMs;
  }

  get traffic(): Traffic {
    return this.network.traffic;
  }

  get steps(): number {
    return this.schedule.steps;
  }

  /** A generator of its own, so that one part's draws don't move another's. */
  fork(): Prng {
    return new Prng(this.#random.uint32());
  }

  /** Starts a node's daemon and lets it join through any node that is up, as the daemon does. */
  start(node: SimNode): void {
    node.start();
    this.#join(node, node.generation);
  }

  /** A host joins before its daemon starts, and can't while nobody is up, as in a power cut: here it asks again until somebody is. */
  #join(node: SimNode, generation: number): void {
    if (!node.up || node.generation !== generation || node.store.members().length > 0) return;
    const bootstrap = this.nodes.find((other) => other !== node && other.up);
    const members = bootstrap?.core?.members().filter((member) => member.state === 'alive' && member.id !== node.id);
    if (members === undefined) return this.schedule.after(JOIN_AGAIN_MS, () => this.#join(node, generation));
    this.command(node, { kind: 'learn', members }, () => undefined);
  }

  command(node: SimNode, command: Command, onReply: (result: Result) => void): void {
    const issued: Issued = { number: ++this.#issued, node, generation: node.generation, command, atMs: this.nowMs, replies: 0 };
    this.#open.add(issued);
    for (const checker of this.#checkers) checker.onCommand?.(this, issued);
    node.command(command, (result) => {
      issued.replies++;
      this.#open.delete(issued);
      for (const checker of this.#checkers) checker.onReply?.(this, issued, result);
      // Never within the turn that replies: users take a moment.
      this.schedule.after(0, () => onReply(result));
    });
  }

  /** Commands that a daemon still owes an answer to. */
  unanswered(): readonly Issued[] {
    for (const issued of this.#open) {
      if (!issued.node.up || issued.generation !== issued.node.generation) this.#open.delete(issued);
    }
    return [...this.#open];
  }

  violate(checker: string, property: Property, what: string): void {
    this.trace.note(this.nowMs, -1, `VIOLATION of ${checker}: ${what}`);
    const known = this.violations.reduce((n, violation) => n + (violation.checker === checker ? 1 : 0), 0);
    if (known < VIOLATIONS_KEPT) this.violations.push({ checker, property, atMs: this.nowMs, what });
  }

  checkAtRest(): void {
    for (const checker of this.#checkers) checker.atRest?.(this);
  }

  #onEvent(node: SimNode, event: Event): void {
    this.events.set(event.kind, (this.events.get(event.kind) ?? 0) + 1);
    for (const checker of this.#checkers) checker.onEvent?.(this, node, event);
  }

  #onStep(node: SimNode): void {
    for (const checker of this.#checkers) checker.onStep?.(this, node);
  }

  #drawRecord(index: number): Omit<MemberRecord, 'incarnation'> {
    const octave = 2 ** this.#random.int(4);
    return {
      id: this.#random.hex(16) as NodeId,
      name: `node-${index}`,
      number: index + 1,
      address: { ip: `10.0.${index >> 8}.${1 + (index & 0xff)}`, controlPort: 8001, gossipPort: 8000 },
      class: this.#random.chance(0.3) ? 'high' : 'low',
      arch: this.#random.chance(0.8) ? 'amd64' : 'arm64',
      labels: { rack: String(index % 3), disk: this.#random.pick(['ssd', 'hdd', 'nvme']) ?? 'ssd' },
      capacity: { cpuMillicores: 1_000 * octave, memoryBytes: 512 * octave * (1 + this.#random.int(2)) * MIB },
      underlayMtu: 1_500,
      version: 'simulated',
      draining: false,
    };
  }
}

/** Full width of the drawn rates: quartz is good for some 100 ppm, a bad host for more. */
const CLOCK_DRIFT = 0.002;
const WALL_SKEW_MS = 20_000;
/** An idle node takes some twenty; one at work a hundred times that. */
const STEPS_PER_SECOND_AND_NODE = 10_000;
