import { DNS_LIMITS } from './limits.ts';

interface Account {
  tokens: number;
  atMs: number;
  underWay: number;
}

/** How much each client may ask: a token bucket for each, and a bound on what is under way. */
export class Quota {
  readonly #nowMs: () => number;
  readonly #accounts = new Map<number, Account>();
  #underWay = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Whether one more may be asked; if so, `done` has to follow. */
  begin(source: number): boolean {
    const nowMs = this.#nowMs();
    const account = this.#account(source, nowMs);
    account.tokens = Math.min(DNS_LIMITS.burst, account.tokens + ((nowMs - account.atMs) / 1_000) * DNS_LIMITS.perSecond);
    account.atMs = nowMs;
    if (account.tokens < 1 || account.underWay >= DNS_LIMITS.underWayPerSource || this.#underWay >= DNS_LIMITS.underWay) return false;
    account.tokens--;
    account.underWay++;
    this.#underWay++;
    return true;
  }

  done(source: number): void {
    const account = this.#accounts.get(source);
    if (account !== undefined) account.underWay--;
    this.#underWay--;
  }

  /** The one that asked longest ago gives way to a new one, unless it waits for an answer. */
  #account(source: number, nowMs: number): Account {
    const account = this.#accounts.get(source) ?? { tokens: DNS_LIMITS.burst, atMs: nowMs, underWay: 0 };
    this.#accounts.delete(source);
    if (this.#accounts.size >= DNS_LIMITS.sources) {
      for (const [other, { underWay }] of this.#accounts) {
        if (underWay > 0) continue;
        this.#accounts.delete(other);
        break;
      }
    }
    this.#accounts.set(source, account);
    return account;
  }
}
