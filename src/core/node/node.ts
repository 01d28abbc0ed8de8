/**
 * One node: every machine of the core, wired together. An input goes to its machine; what the machines
 * send to this node itself never touches the network but is delivered before the input returns. After
 * each input the publisher is told if the supplier's figures moved.
 */
import { assert, assertNever } from '../../lib/assert.ts';
import type { Directory } from '../discovery/directory.ts';
import { Names } from '../discovery/names/names.ts';
import { NAME_TIMES } from '../discovery/names/tunables.ts';
import { Publisher } from '../discovery/publisher.ts';
import { Trader } from '../discovery/trader.ts';
import { LIMITS } from '../model/index.ts';
import type {
  Command,
  CommandId,
  Container,
  ContainerId,
  Hint,
  Member,
  Message,
  NodeId,
  Observation,
  Offer,
  OrderAnswer,
  OrderId,
  Request,
  RequestId,
  Stack,
  Timer,
  Turn,
} from '../model/index.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import { SCHEDULER_TIMES } from '../scheduler/tunables.ts';
import { unworkable } from '../scheduler/units.ts';
import { Supplier } from '../supplier/supplier.ts';
import { IncarnationKeeper } from './incarnation-keeper.ts';
import { isShort } from './is-short.ts';
import { LocalTurn } from './local-turn.ts';
import { NamedRenames } from './named-renames.ts';
import { NamedRuns } from './named-runs.ts';
import type { Effort } from './named-runs.ts';
import { gossiped } from './surroundings.ts';
import type { Peers, SurroundingsFactory } from './surroundings.ts';
import type { CoreNode, Kept, NodeConfig } from './port.ts';
import { unkeepable, unsendable } from './unsendable.ts';

/** In one input: each of LIMITS.runs may send some finds to a node that is its own trader. More feed themselves without end. */
const OWN_MESSAGES = 65_536;

export class Node implements CoreNode {
  readonly #id: NodeId;
  readonly #incarnation: number;
  readonly #incarnations: IncarnationKeeper;
  readonly #directory: Directory;
  readonly #peers: Peers;
  readonly #supplier: Supplier;
  readonly #publisher: Publisher;
  readonly #trader: Trader;
  readonly #scheduler: Scheduler;
  readonly #names: Names;
  readonly #namedRuns: NamedRuns;
  readonly #namedRenames: NamedRenames;
  #lastOrder = 0;
  /** The supplier's counter when the publisher last looked. */
  #published = -1;

  constructor(config: NodeConfig, kept: Kept, surround: SurroundingsFactory = gossiped) {
    this.#id = config.self.id;
    this.#incarnation = Math.min(kept.incarnation + 1, LIMITS.incarnation);
    const nextOrderId = (): OrderId => ++this.#lastOrder as OrderId;
    this.#incarnations = new IncarnationKeeper(nextOrderId);
    const { directory, peers } = surround(config, kept, {
      self: this.#id,
      incarnation: this.#incarnation,
      onRing: (turn) => {
        this.#publisher.lookAgain(turn);
        this.#trader.ringChanged(turn);
        this.#names.ringChanged(turn);
      },
      onRenewed: (turn, id) => {
        this.#publisher.renewed(turn, id);
        this.#names.renewed(turn, id);
      },
      onGone: (turn, id, how) => {
        this.#trader.memberGone(turn, id);
        this.#names.memberGone(turn, id);
        this.#scheduler.memberGone(turn, id, how);
      },
      onHints: (turn) => this.#publisher.lookAgain(turn),
      onIncarnation: (turn, incarnation) => {
        this.#incarnations.keep(turn, incarnation);
        this.#names.raised(turn);
      },
    });
    this.#directory = directory;
    this.#peers = peers;
    const self = (): Member => this.#peers.self();
    const { containers, tombstones, running, exited } = kept;
    this.#supplier = new Supplier({
      self,
      containersOf: (id) => this.#scheduler.containersOf(id),
      nextOrderId,
      incarnation: this.#incarnation,
      containers,
      tombstones,
      running,
      exited,
    });
    this.#publisher = new Publisher({
      self,
      directory,
      offered: () => this.#supplier.offered(),
      epoch: () => this.#supplier.epoch(),
      hasTold: (trader) => this.#supplier.hasTold(trader),
    });
    this.#trader = new Trader({ self: this.#id, directory, nameOf: (id) => this.#nameOf(id), isShort });
    this.#names = new Names({
      self: this.#id,
      ring: directory.ring,
      member: (id) => this.member(id),
      members: () => this.#peers.members(),
      containers: () => this.#supplier.containers(),
      container: (id) => this.#supplier.container(id),
      rename: (turn, id, to, why) => this.#supplier.rename(turn, id, to, why),
      times: NAME_TIMES[config.profile],
    });
    this.#namedRuns = new NamedRuns(this.#names.claims, (id) => this.#nameOf(id));
    const supplier = this.#supplier;
    this.#namedRenames = new NamedRenames({ claims: this.#names.claims, supplier, nameOf: (id) => this.#nameOf(id) });
    this.#scheduler = new Scheduler({
      self: this.#id,
      directory,
      alive: () => this.#peers.alive(),
      member: (id) => this.member(id),
      lookUp: (turn, key, done) => this.#names.lookUp(turn, key, done),
      times: SCHEDULER_TIMES[config.profile],
    });
  }

  start(outer: Turn): void {
    this.#within(outer, (turn) => {
      this.#incarnations.keep(turn, this.#incarnation);
      this.#peers.start(turn);
      this.#supplier.start(turn);
      this.#trader.start(turn);
      this.#supplier.takeNamed();
      this.#names.start(turn);
    });
  }

  receive(outer: Turn, from: NodeId, message: Message): void {
    this.#within(outer, (turn) => this.#route(turn, from, message));
  }

  timer(outer: Turn, timer: Timer): void {
    this.#within(outer, (turn) => {
      const { machine } = timer;
      switch (machine) {
        case 'membership':
          return this.#peers.timer(turn, timer);
        case 'supplier':
          return this.#supplier.timer(turn, timer);
        case 'publisher':
          return this.#publisher.timer(turn, timer);
        case 'trader':
          return this.#trader.timer(turn, timer);
        case 'buyer':
          return this.#scheduler.timer(turn, timer);
        case 'names':
          return this.#names.timer(turn, timer);
        case 'node':
          return this.#incarnations.timer(turn, timer);
        default:
          return assertNever(machine);
      }
    });
  }

  command(outer: Turn, id: CommandId, command: Command): void {
    this.#within(outer, (turn) => this.#command(turn, id, command));
  }

  answer(outer: Turn, id: OrderId, answer: OrderAnswer): void {
    this.#within(outer, (turn) => {
      this.#incarnations.answer(turn, id, answer);
      this.#supplier.answer(turn, id, answer);
    });
  }

  observe(outer: Turn, observation: Observation): void {
    this.#within(outer, (turn) => this.#supplier.observe(turn, observation));
  }

  self(): Member {
    return this.#peers.self();
  }

  members(): readonly Member[] {
    return this.#peers.members();
  }

  member(id: NodeId): Member | undefined {
    return id === this.#id ? this.#peers.self() : this.#peers.member(id);
  }

  containers(): readonly Container[] {
    return this.#supplier.containers();
  }

  container(id: ContainerId): Container | undefined {
    return this.#supplier.container(id);
  }

  resources(): ReturnType<CoreNode['resources']> {
    return this.#supplier.resources();
  }

  runs(): readonly Request[] {
    return [...this.#namedRuns.waiting(), ...this.#scheduler.runs()];
  }

  offers(): readonly Offer[] {
    return this.#trader.offers();
  }

  hints(): readonly Hint[] {
    return this.#directory.hints.all();
  }

  names(): ReturnType<CoreNode['names']> {
    return this.#names.entries();
  }

  sizes(): ReturnType<CoreNode['sizes']> {
    return { ...this.#peers.sizes?.(), ...this.#supplier.sizes(), ...this.#names.sizes() };
  }

  /** Carries one input through, with all that this node says to itself on the way. */
  #within(outer: Turn, input: (turn: Turn) => void): void {
    const turn = new LocalTurn(outer, this.#id, (turn, command, result) => this.#namedRuns.replied(turn, command, result));
    input(turn);
    for (let own = 0; ; own++) {
      assert(own <= OWN_MESSAGES, `one input made this node say more than ${OWN_MESSAGES} things to itself`);
      const message = turn.inbox.shift();
      if (message !== undefined) {
        this.#route(turn, this.#id, message);
        continue;
      }
      this.#publish(turn);
      for (const id of this.#supplier.takeNamed()) this.#names.changed(turn, id);
      if (turn.inbox.length === 0) return;
    }
  }

  #publish(turn: Turn): void {
    const { counter } = this.#supplier.epoch();
    if (counter === this.#published) return;
    this.#published = counter;
    this.#publisher.changed(turn);
  }

  #route(turn: Turn, from: NodeId, message: Message): void {
    const { kind } = message;
    switch (kind) {
      case 'ping':
      case 'ping-request':
      case 'ack':
      case 'nack':
      case 'gossip':
      case 'sync-request':
      case 'sync-reply':
        return this.#peers.receive(turn, from, message);
      default:
    }
    // Only members have a say in what is placed where; who is one, membership decides.
    if (this.member(from) === undefined) return;
    switch (message.kind) {
      case 'publish':
        return this.#trader.publish(turn, from, message);
      case 'withdraw':
        return this.#trader.withdraw(turn, from, message);
      case 'find':
        return this.#trader.find(turn, message);
      case 'cancel':
        this.#trader.cancel(message);
        return this.#supplier.receive(turn, from, message);
      case 'reserve':
      case 'renew':
      case 'ask':
      case 'launch':
        return this.#supplier.receive(turn, from, message);
      case 'accept':
        this.#trader.accept(turn, from, message);
        return message.buyer === this.#id ? this.#scheduler.receive(turn, from, message) : undefined;
      case 'refuse':
        return message.direct ? this.#scheduler.receive(turn, from, message) : this.#trader.refuse(turn, from, message);
      case 'not-found':
      case 'candidates':
      case 'answer':
      case 'launched':
      case 'launch-refused':
        return this.#scheduler.receive(turn, from, message);
      case 'register':
      case 'registered':
      case 'name-claim':
      case 'name-claimed':
      case 'name-release':
      case 'name-conflict':
      case 'look-up':
      case 'found':
        return this.#names.receive(turn, from, message);
      default:
        return assertNever(message);
    }
  }

  #command(turn: Turn, id: CommandId, command: Command): void {
    switch (command.kind) {
      case 'run':
        return this.#run(turn, id, command.request.id, [command.request], {
          prepare: (turn) => this.#scheduler.run(turn, id, command.request, command.exclude),
          begin: (turn) => this.#scheduler.named(turn, command.request.id),
          abandon: (turn) => this.#scheduler.abandon(turn, command.request.id),
        });
      case 'run-stack':
      case 'plan':
        return this.#stack(turn, id, command);
      case 'cancel-run':
        if (this.#namedRuns.cancel(turn, id, command.requestId)) return;
        return this.#scheduler.cancelRun(turn, id, command.requestId);
      case 'look-up':
        return this.#names.lookUp(turn, command.key, (turn, found) => turn.reply(id, { ok: true, kind: 'found', ...found }));
      case 'start':
      case 'stop':
      case 'kill':
      case 'remove':
      case 'pause':
      case 'unpause':
        return this.#supplier.command(turn, id, command);
      case 'update': {
        const error = unkeepable(this.#supplier.container(command.containerId)?.request, command);
        return error === undefined ? this.#supplier.command(turn, id, command) : turn.reply(id, { ok: false, error });
      }
      case 'rename':
        return this.#namedRenames.rename(turn, id, command.containerId, command.name);
      case 'host-facts':
        this.#supplier.hostFacts(command.facts);
        break;
      case 'endpoints':
        this.#names.endpoints(turn, command.containerId, command.endpoints);
        break;
      case 'agreed':
        this.#peers.agreed?.(command.version);
        break;
      case 'leave':
        this.#supplier.leave();
        this.#publish(turn);
        this.#peers.leave(turn);
        break;
      case 'learn':
        this.#peers.learn(turn, command.members);
        break;
      case 'describe':
        this.#peers.describe(turn, command.change);
        this.#supplier.described();
        break;
      default:
        return assertNever(command);
    }
    turn.reply(id, { ok: true, kind: 'done' });
  }

  /**
   * What can't be sent is refused at the door: a message that is dropped on the way looks like a node that
   * doesn't answer. What can, has its names before it begins.
   */
  #run(turn: Turn, id: CommandId, run: RequestId, requests: readonly Request[], effort: Effort): void {
    const error = unsendable(requests);
    if (error !== undefined) return turn.reply(id, { ok: false, error });
    this.#namedRuns.run(turn, id, run, requests, effort);
  }

  /** A plan claims no names: it only looks. */
  #stack(turn: Turn, id: CommandId, { kind, stack, exclude }: Extract<Command, { stack: Stack }>): void {
    const requests = stack.parts.map(({ request }) => request);
    const error = unworkable(stack, exclude) ?? unsendable(requests);
    if (error !== undefined) return turn.reply(id, { ok: false, error });
    if (kind === 'plan') return this.#scheduler.plan(turn, id, stack, exclude);
    this.#namedRuns.run(turn, id, stack.id, requests, {
      prepare: undefined,
      begin: (turn) => this.#scheduler.runStack(turn, id, stack, exclude),
      abandon: () => {},
    });
  }

  #nameOf(id: NodeId): string {
    return this.member(id)?.name ?? id.slice(0, 12);
  }
}
