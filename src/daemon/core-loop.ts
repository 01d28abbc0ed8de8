import type {
  Command,
  CommandId,
  Event,
  Message,
  NodeId,
  Observation,
  Order,
  OrderAnswer,
  OrderId,
  Result,
  Timer,
  Turn,
} from '../core/model/index.ts';
import type { CoreNode } from '../core/node/port.ts';
import type { Prng } from '../lib/prng.ts';

export interface CoreLoopHost {
  send(to: NodeId, message: Message): void;
  /** Performs one order. Store orders must be durable before this returns or resolves. Never rejects. */
  perform(order: Order): OrderAnswer | Promise<OrderAnswer>;
  onEvent(event: Event): void;
  nowMs(): number;
  wallMs(): number;
  /** The core broke one of its own rules: the process must not go on. */
  onAssertion(error: unknown): void;
}

type Effect =
  | { kind: 'send'; to: NodeId; message: Message }
  | { kind: 'order'; order: Order }
  | { kind: 'reply'; id: CommandId; result: Result };

/**
 * The daemon's event loop around the pure core: inputs go in one at a time, what the core wants done
 * is collected during the input and done afterwards, in order. An answer to an order is always a
 * later input, never a nested one.
 */
export class CoreLoop {
  readonly #node: CoreNode;
  readonly #host: CoreLoopHost;
  readonly #random: Prng;
  readonly #commands = new Map<CommandId, (result: Result) => void>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** The newest of each name. */
  readonly #named = new Map<string, NodeJS.Timeout>();
  #nextCommand = 1;
  #closed = false;
  #busy = false;
  readonly #waiting: ((turn: Turn) => void)[] = [];

  constructor(node: CoreNode, host: CoreLoopHost, random: Prng) {
    this.#node = node;
    this.#host = host;
    this.#random = random;
  }

  start(): void {
    this.#input((turn) => this.#node.start(turn));
  }

  receive(from: NodeId, message: Message): void {
    this.#input((turn) => this.#node.receive(turn, from, message));
  }

  observe(observation: Observation): void {
    this.#input((turn) => this.#node.observe(turn, observation));
  }

  command(command: Command): Promise<Result> {
    if (this.#closed) {
      return Promise.resolve({ ok: false, error: { code: 'cancelled', message: 'this node is shutting down', changed: false } });
    }
    const id = this.#nextCommand++ as CommandId;
    return new Promise((resolve) => {
      this.#commands.set(id, resolve);
      this.#input((turn) => this.#node.command(turn, id, command));
    });
  }

  /** No input is taken any more; commands under way end as cancelled. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#named.clear();
    for (const resolve of this.#commands.values()) {
      resolve({ ok: false, error: { code: 'cancelled', message: 'this node shut down before it was done', changed: true } });
    }
    this.#commands.clear();
  }

  #input(body: (turn: Turn) => void): void {
    if (this.#closed) return;
    this.#waiting.push(body);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined && !this.#closed; next = this.#waiting.shift()) this.#turn(next);
    } catch (error) {
      this.close();
      this.#host.onAssertion(error);
    } finally {
      this.#busy = false;
    }
  }

  #turn(body: (turn: Turn) => void): void {
    const effects: Effect[] = [];
    const events: Event[] = [];
    body({
      nowMs: this.#host.nowMs(),
      wallMs: this.#host.wallMs(),
      random: this.#random,
      send: (to, message) => effects.push({ kind: 'send', to, message }),
      setTimer: (timer, afterMs) => this.#setTimer(timer, afterMs),
      dropTimer: (timer) => this.#dropTimer(timer),
      perform: (order) => effects.push({ kind: 'order', order }),
      reply: (id, result) => effects.push({ kind: 'reply', id, result }),
      emit: (event) => events.push(event),
    });
    for (const effect of effects) this.#perform(effect);
    for (const event of events) this.#host.onEvent(event);
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        this.#host.send(effect.to, effect.message);
        return;
      case 'reply': {
        const resolve = this.#commands.get(effect.id);
        this.#commands.delete(effect.id);
        resolve?.(effect.result);
        return;
      }
      case 'order': {
        const { id } = effect.order;
        const answer = this.#host.perform(effect.order);
        if (answer instanceof Promise) void answer.then((late) => this.#answer(id, late));
        else this.#answer(id, answer);
        return;
      }
    }
  }

  /** Queued behind the running input when there is one. */
  #answer(id: OrderId, answer: OrderAnswer): void {
    this.#input((turn) => this.#node.answer(turn, id, answer));
  }

  #setTimer(timer: Timer, afterMs: number): void {
    const name = nameOf(timer);
    const handle = setTimeout(
      () => {
        this.#forget(name, handle);
        this.#input((turn) => this.#node.timer(turn, timer));
      },
      // Node clamps delays above 2^31 - 1 ms to 1 ms.
      Math.min(afterMs, 0x7fff_ffff),
    );
    this.#timers.add(handle);
    this.#named.set(name, handle);
  }

  #dropTimer(timer: Timer): void {
    const name = nameOf(timer);
    const handle = this.#named.get(name);
    if (handle === undefined) return;
    clearTimeout(handle);
    this.#forget(name, handle);
  }

  #forget(name: string, handle: NodeJS.Timeout): void {
    this.#timers.delete(handle);
    if (this.#named.get(name) === handle) this.#named.delete(name);
  }
}

const nameOf = ({ machine, name, key, token }: Timer): string => `${machine} ${name} ${key} ${token}`;
