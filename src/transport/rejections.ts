/** Counts datagrams that were not taken, and logs a summary at most once a minute: a flood must not become a flood of lines. */
import type { TransportHost } from './port.ts';
import type { Rejection } from './datagram/opener.ts';

/** Why a datagram was not taken: it could not be opened, is no message, or comes from a removed node. */
export type RejectionReason = Rejection | 'message' | 'revoked';

const EVERY_MS = 60_000;

export class Rejections {
  readonly #log: TransportHost['log'];
  readonly #sinceLog = new Map<RejectionReason, number>();
  #total = 0;
  #loggedAtMs = Number.NEGATIVE_INFINITY;

  constructor(log: TransportHost['log']) {
    this.#log = log;
  }

  get total(): number {
    return this.#total;
  }

  add(reason: RejectionReason): void {
    this.#total += 1;
    this.#sinceLog.set(reason, (this.#sinceLog.get(reason) ?? 0) + 1);
    const now = performance.now();
    if (now - this.#loggedAtMs < EVERY_MS) return;
    this.#loggedAtMs = now;
    this.#log('info', 'datagrams were rejected', Object.fromEntries(this.#sinceLog));
    this.#sinceLog.clear();
  }
}
