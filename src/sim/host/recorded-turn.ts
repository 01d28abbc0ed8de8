import type { CommandId, Event, Message, NodeId, Order, Result, Timer, Turn } from '../../core/model/index.ts';
import type { Prng } from '../../lib/prng.ts';
import type { SimClock } from './sim-clock.ts';

export type Effect =
  | { readonly kind: 'send'; readonly to: NodeId; readonly message: Message }
  | { readonly kind: 'order'; readonly order: Order }
  | { readonly kind: 'timer'; readonly timer: Timer; readonly afterMs: number }
  | { readonly kind: 'reply'; readonly id: CommandId; readonly result: Result };

/** A turn that writes down what the core wants done, to be done after it. */
export class RecordedTurn implements Turn {
  readonly nowMs: number;
  readonly wallMs: number;
  readonly random: Prng;
  readonly effects: Effect[] = [];
  readonly events: Event[] = [];

  constructor(clock: SimClock, random: Prng) {
    this.nowMs = clock.nowMs();
    this.wallMs = clock.wallMs();
    this.random = random;
  }

  send(to: NodeId, message: Message): void {
    this.effects.push({ kind: 'send', to, message });
  }

  setTimer(timer: Timer, afterMs: number): void {
    this.effects.push({ kind: 'timer', timer, afterMs });
  }

  perform(order: Order): void {
    this.effects.push({ kind: 'order', order });
  }

  reply(id: CommandId, result: Result): void {
    this.effects.push({ kind: 'reply', id, result });
  }

  emit(event: Event): void {
    this.events.push(event);
  }
}
