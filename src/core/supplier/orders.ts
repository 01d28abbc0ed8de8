import type { Order, OrderAnswer, OrderId, Turn } from '../model/index.ts';

type Body<O> = O extends Order ? Omit<O, 'id'> : never;
export type OrderBody = Body<Order>;
type Then = (turn: Turn, answer: OrderAnswer) => void;

/** Orders under way and what follows each answer. The host answers every order once; a stray answer is ignored. */
export class Orders {
  readonly #nextId: () => OrderId;
  readonly #pending = new Map<OrderId, Then>();

  constructor(nextId: () => OrderId) {
    this.#nextId = nextId;
  }

  get size(): number {
    return this.#pending.size;
  }

  perform(turn: Turn, body: OrderBody, then: Then): void {
    const id = this.#nextId();
    this.#pending.set(id, then);
    turn.perform({ id, ...body });
  }

  answer(turn: Turn, id: OrderId, answer: OrderAnswer): void {
    const then = this.#pending.get(id);
    this.#pending.delete(id);
    then?.(turn, answer);
  }
}
