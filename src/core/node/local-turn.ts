import type { Prng } from '../../lib/prng.ts';
import type { CommandId, Event, Message, NodeId, Order, Result, Timer, Turn } from '../model/index.ts';

/** A turn in which messages to this node itself wait in a queue of its own instead of going to the network. */
export class LocalTurn implements Turn {
  readonly nowMs: number;
  readonly wallMs: number;
  readonly random: Prng;
  /** Messages to ourselves, in order. */
  readonly inbox: Message[] = [];
  readonly #turn: Turn;
  readonly #self: NodeId;
  readonly #onReply: (turn: Turn, command: CommandId, result: Result) => void;

  /** @param onReply told of each reply after it was given */
  constructor(turn: Turn, self: NodeId, onReply: (turn: Turn, command: CommandId, result: Result) => void) {
    this.#turn = turn;
    this.#self = self;
    this.#onReply = onReply;
    this.nowMs = turn.nowMs;
    this.wallMs = turn.wallMs;
    this.random = turn.random;
  }

  send(to: NodeId, message: Message): void {
    if (to === this.#self) this.inbox.push(message);
    else this.#turn.send(to, message);
  }

  setTimer(timer: Timer, afterMs: number): void {
    this.#turn.setTimer(timer, afterMs);
  }

  dropTimer(timer: Timer): void {
    this.#turn.dropTimer?.(timer);
  }

  perform(order: Order): void {
    this.#turn.perform(order);
  }

  reply(command: CommandId, result: Result): void {
    this.#turn.reply(command, result);
    this.#onReply(this, command, result);
  }

  emit(event: Event): void {
    this.#turn.emit(event);
  }
}
