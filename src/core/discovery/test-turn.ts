import { Prng } from '../../lib/prng.ts';
import { assert } from '../../lib/assert.ts';
import type { Message, NodeId, Timer, Turn } from '../model/index.ts';

/** A turn for tests of one machine: keeps what was sent and which timers were set. */
export class TestTurn implements Turn {
  nowMs = 1_000;
  readonly wallMs = 1_790_000_000_000;
  readonly random = new Prng(3);
  readonly sent: [NodeId, Message][] = [];
  readonly #timers: Timer[] = [];

  send(to: NodeId, message: Message): void {
    this.sent.push([to, message]);
  }

  setTimer(timer: Timer): void {
    this.#timers.push(timer);
  }

  perform(): void {}
  reply(): void {}
  emit(): void {}

  /** The newest timer of that name. */
  timer(name: string): Timer {
    const timer = this.#timers.findLast((timer) => timer.name === name);
    assert(timer !== undefined, `no timer ${name} was set`);
    return timer;
  }

  last(): [NodeId, Message] {
    const last = this.sent.at(-1);
    assert(last !== undefined, 'nothing was sent');
    return last;
  }

  /** Kinds of what was sent since the last time this was asked. */
  kinds(): string[] {
    return this.sent.splice(0).map(([, message]) => message.kind);
  }
}
