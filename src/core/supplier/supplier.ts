/**
 * The supplier: this node's own resources and containers. It alone admits (DESIGN §2.1), which is what
 * makes overselling impossible whatever traders and buyers believe. Its parts share one Context:
 * reservations (holds), launches, tasks, stops, removals, and the recovery of what a restart kept.
 */
import type {
  CommandId,
  Container,
  ContainerId,
  Epoch,
  HostFacts,
  Member,
  NodeId,
  Observation,
  OrderAnswer,
  OrderId,
  RequestId,
  Resources,
  SupplierMessage,
  Timer,
  Tombstone,
  Turn,
} from '../model/index.ts';
import { assertNever } from '../../lib/assert.ts';
import { Changes } from './changes.ts';
import { Commands } from './commands.ts';
import { Context } from './context.ts';
import type { ContainerCommand, Entry } from './entry.ts';
import { Holds } from './holds.ts';
import { Launches } from './launches.ts';
import { Ledger, containerKey } from './ledger.ts';
import { Orders } from './orders.ts';
import { Pauses } from './pauses.ts';
import { Recovery, restore } from './recovery.ts';
import type { KeptRun } from './recovery.ts';
import { Removals } from './removals.ts';
import { Renames } from './renames.ts';
import type { Renamed } from './renames.ts';
import { Reservations } from './reservations.ts';
import { Stops } from './stops.ts';
import { Tasks } from './tasks.ts';
import { Updates } from './updates.ts';

export interface SupplierOptions {
  readonly self: () => Member;
  /** Of a run that this node works on: its containers. */
  readonly containersOf: (id: RequestId) => readonly ContainerId[];
  readonly nextOrderId: () => OrderId;
  /** Of this run of the node: with the ledger's counter it makes every later statement newer. */
  readonly incarnation: number;
  readonly containers: readonly Container[];
  readonly tombstones: readonly Tombstone[];
  readonly running: readonly KeptRun[];
  readonly exited: readonly Observation[];
}

export class Supplier {
  readonly #options: SupplierOptions;
  readonly #context: Context;
  readonly #reservations: Reservations;
  readonly #launches: Launches;
  readonly #tasks: Tasks;
  readonly #stops: Stops;
  readonly #changes: Changes;
  readonly #updates: Updates;
  readonly #commands: Commands;
  readonly #recovery: Recovery;
  readonly #renames: Renames;

  constructor(options: SupplierOptions) {
    this.#options = options;
    const ledger = new Ledger(() => options.self().capacity);
    const context = new Context(options.self, ledger, new Holds(), new Orders(options.nextOrderId));
    const settle = (turn: Turn, entry: Entry): void => this.#commands.settle(turn, entry);
    this.#context = context;
    this.#reservations = new Reservations(context, () => this.epoch(), options.containersOf);
    this.#launches = new Launches({
      context,
      reservations: this.#reservations,
      settle,
      takeBack: (turn, entry, attempt) => removals.remove(turn, entry, undefined, true, attempt),
    });
    this.#tasks = new Tasks({ context, settle, remove: (turn, entry) => removals.remove(turn, entry, undefined, true) });
    const [tasks, launches] = [this.#tasks, this.#launches];
    const stops = new Stops(context, tasks, settle);
    const removals = new Removals(context, tasks, settle);
    this.#changes = new Changes(tasks, settle);
    const pauses = new Pauses(context, this.#changes);
    const updates = new Updates(context, this.#changes);
    this.#updates = updates;
    this.#stops = stops;
    this.#commands = new Commands({ context, tasks, stops, pauses, updates, removals });
    this.#recovery = new Recovery({ context, tasks, launches, removals, updates });
    this.#renames = new Renames(context);
    restore(context, options.containers, options.running, options.exited);
    for (const tombstone of options.tombstones) context.graves.set(tombstone.containerId, { ...tombstone, error: undefined });
  }

  start(turn: Turn): void {
    this.#recovery.resume(turn, this.#options.running, this.#options.exited);
  }

  receive(turn: Turn, from: NodeId, message: SupplierMessage): void {
    switch (message.kind) {
      case 'reserve':
        return this.#reservations.reserve(turn, from, message);
      case 'ask':
        return this.#reservations.ask(turn, from, message);
      case 'renew':
        this.#reservations.renew(turn, from, message);
        return this.#launches.renew(turn, from, message);
      case 'cancel':
        this.#reservations.cancel(turn, from, message);
        return this.#launches.cancel(turn, from, message);
      case 'launch':
        return this.#launches.launch(turn, from, message);
      default:
        return assertNever(message);
    }
  }

  command(turn: Turn, id: CommandId, command: ContainerCommand): void {
    this.#commands.command(turn, id, command);
  }

  /** What the host can't give to containers from now on. */
  hostFacts(facts: HostFacts): void {
    this.#context.facts = facts;
  }

  answer(turn: Turn, id: OrderId, answer: OrderAnswer): void {
    this.#context.orders.answer(turn, id, answer);
  }

  observe(turn: Turn, observation: Observation): void {
    const entry = this.#context.entries.get(observation.containerId);
    if (entry !== undefined) this.#tasks.exited(turn, entry, observation);
  }

  timer(turn: Turn, timer: Timer): void {
    if (timer.name === 'hold' || timer.name === 'repeat-accept') return this.#reservations.timer(turn, timer);
    const entry = this.#context.entries.get(timer.key as ContainerId);
    if (entry === undefined) return;
    if (timer.name === 'restart') {
      if (entry.activity.kind === 'changing') this.#changes.restartDue(entry, timer.token);
      else if (entry.activity.kind === 'backing-off' && entry.activity.token === timer.token) this.#tasks.restart(turn, entry);
    } else if (timer.name === 'stop') {
      this.#stops.timer(turn, entry, timer.token);
    } else if (timer.name === 'forget-retry') {
      this.#launches.retryForget(turn, entry.container.request.containerId);
    } else if (timer.name === 'store-retry') {
      this.#context.storeAgain(turn, entry);
    } else if (timer.name === 'update-again') {
      this.#updates.repeat(turn, entry);
    } else if (timer.name === 'never-started' && entry.unstarted === timer.token) {
      this.#giveBack(turn, entry);
    }
  }

  /** Gives a container another name, durably; `then` learns what became of that. */
  rename(turn: Turn, id: ContainerId, to: string, why: string, then?: Renamed): void {
    const entry = this.#context.entries.get(id);
    if (entry !== undefined) this.#renames.rename(turn, entry, to, why, then);
    else then?.(turn, { code: 'no-such-container', message: `no container ${id} on this node`, changed: false });
  }

  /** Containers that came, went or have another name since this was last asked. */
  takeNamed(): readonly ContainerId[] {
    const { named } = this.#context;
    if (named.size === 0) return NONE;
    const ids = [...named];
    named.clear();
    return ids;
  }

  /** Nothing new is taken from now on. */
  leave(): void {
    this.#context.leaving = true;
    this.#context.ledger.touch();
  }

  /** This node's own record changed: what we say of ourselves is newer than what was said. */
  described(): void {
    this.#context.ledger.touch();
  }

  /** Nothing is offered by a node that drains or leaves. */
  offered(): Resources | undefined {
    return this.#context.leaving || this.#context.self().draining ? undefined : this.#context.ledger.free();
  }

  /** Whether `trader` knows by an accept what is free now. */
  hasTold(trader: NodeId): boolean {
    return this.#reservations.hasTold(trader);
  }

  epoch(): Epoch {
    return { incarnation: this.#options.incarnation, counter: this.#context.ledger.version };
  }

  resources(): { readonly capacity: Resources; readonly held: Resources; readonly free: Resources; readonly holds: number } {
    const { ledger, holds, self } = this.#context;
    return { capacity: self().capacity, held: ledger.held(), free: ledger.free(), holds: holds.size };
  }

  sizes(): { readonly graves: number; readonly spent: number; readonly orders: number } {
    const { graves, holds, orders } = this.#context;
    return { graves: graves.size, spent: holds.spentSize, orders: orders.size };
  }

  containers(): readonly Container[] {
    return Array.from(this.#context.entries.values(), (entry) => entry.container);
  }

  container(id: ContainerId): Container | undefined {
    return this.#context.entries.get(id)?.container;
  }

  #giveBack(turn: Turn, entry: Entry): void {
    const { container, activity } = entry;
    if (activity.kind === 'changing') return this.#context.awaitStart(turn, entry);
    if (activity.kind !== 'idle' || container.task !== undefined || !container.holding) return;
    const { containerId, resources } = container.request;
    // Durable first: unlike an end, this can't be told again after a crash.
    this.#context.record(turn, entry, { holding: false }, (turn, error) => {
      const { task, holding } = entry.container;
      if (error === undefined && task === undefined && !holding) {
        this.#context.ledger.release(containerKey(containerId));
        return turn.emit({ kind: 'room-given-back', containerId, resources });
      }
      entry.container = { ...entry.container, holding: true };
      this.#context.awaitStart(turn, entry);
    });
  }
}

const NONE: readonly ContainerId[] = [];
