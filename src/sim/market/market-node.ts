import type {
  Command,
  CommandId,
  Event,
  MemberRecord,
  Message,
  NodeId,
  Order,
  OrderAnswer,
  Result,
  Timer,
  Turn,
} from '../../core/model/index.ts';
import { Node } from '../../core/node/node.ts';
import type { Listeners, SurroundingsFactory } from '../../core/node/surroundings.ts';
import type { Prng } from '../../lib/prng.ts';
import type { Schedule } from '../schedule.ts';

/** What a node's turns need of the market. */
export interface Floor {
  readonly schedule: Schedule;
  readonly random: Prng;
  /** @param depth one-way messages before this one, one after the other, since the ask came in */
  send(from: MarketNode, to: NodeId, message: Message, depth: number): void;
  /** How deep the work is that a timer goes on with. */
  depthAt(timer: Timer): number;
  reply(node: MarketNode, id: CommandId, result: Result): void;
  event(node: MarketNode, event: Event, depth: number): void;
}

type Input = (core: Node, turn: Turn) => void;

/** The core's own node on a host that does everything at once and without fail. */
export class MarketNode {
  readonly index: number;
  readonly record: Omit<MemberRecord, 'incarnation'>;
  /** Undefined while it is down. */
  core: Node | undefined;
  /** What it wants to be told of its surroundings. */
  listeners: Listeners | undefined;
  incarnation = 0;
  joinedMs = -Infinity;
  readonly #floor: Floor;
  #pid = 0;
  #commands = 0;

  constructor(index: number, record: Omit<MemberRecord, 'incarnation'>, floor: Floor) {
    this.index = index;
    this.record = record;
    this.#floor = floor;
  }

  get id(): NodeId {
    return this.record.id;
  }

  /** Comes up empty, under the next incarnation. */
  start(surround: SurroundingsFactory, joinedMs: number): void {
    this.joinedMs = joinedMs;
    const kept = { incarnation: this.incarnation, members: [], containers: [], tombstones: [], running: [], exited: [] };
    this.incarnation++;
    this.core = new Node({ self: this.record, profile: 'sim' }, kept, surround);
    this.input(0, (core, turn) => core.start(turn));
  }

  fail(): void {
    this.core = undefined;
    this.listeners = undefined;
  }

  /** The id of the next command. */
  get nextCommand(): CommandId {
    return (this.#commands + 1) as CommandId;
  }

  command(command: Command): void {
    const id = ++this.#commands as CommandId;
    this.input(0, (core, turn) => core.command(turn, id, command));
  }

  /** One input, and what the host answers to its orders. */
  input(depth: number, input: Input): void {
    const orders: Order[] = [];
    this.#turn(depth, orders, input);
    for (let order = orders.shift(); order !== undefined; order = orders.shift()) {
      const { id } = order;
      const answer = this.#perform(order);
      this.#turn(depth, orders, (core, turn) => core.answer(turn, id, answer));
    }
  }

  #turn(depth: number, orders: Order[], input: Input): void {
    const { core } = this;
    if (core === undefined) return;
    const floor = this.#floor;
    const { schedule, random } = floor;
    const { nowMs } = schedule;
    input(core, {
      nowMs,
      wallMs: WALL_MS + nowMs,
      random,
      send: (to, message) => floor.send(this, to, message, depth),
      setTimer: (timer, afterMs) => {
        // All come up at once at first, as no instance does: what they do by the minute is then spread over it.
        const phase = nowMs === 0 && timer.name === 'sweep' ? random.float() : 1;
        schedule.after(afterMs * phase, () => {
          if (this.core === core) this.input(floor.depthAt(timer), (core, turn) => core.timer(turn, timer));
        });
      },
      perform: (order) => orders.push(order),
      reply: (id, result) => floor.reply(this, id, result),
      emit: (event) => floor.event(this, event, depth),
    });
  }

  #perform({ kind }: Order): OrderAnswer {
    return kind === 'engine-start' ? { ok: true, pid: ++this.#pid, startedAtMs: WALL_MS + this.#floor.schedule.nowMs } : { ok: true };
  }
}

/** Virtual time 0 as a wall clock shows it: 2026-01-02. */
const WALL_MS = 1_767_312_000_000;
