import { DNS_LIMITS } from './limits.ts';

interface Known<T> {
  readonly value: T;
  readonly untilMs: number;
}

/** What was found out lately, by key, and who is finding out just now: several that ask the same are one question. */
export class KnownNames<T> {
  readonly #known = new Map<string, Known<T>>();
  readonly #asking = new Map<string, Promise<T>>();
  readonly #nowMs: () => number;
  readonly #keepMs: (value: T) => number;
  /** Which answers were asked for before something changed. */
  #age = 0;

  /** @param keepMs how long a value may be kept; 0: not at all */
  constructor(nowMs: () => number, keepMs: (value: T) => number) {
    this.#nowMs = nowMs;
    this.#keepMs = keepMs;
  }

  /** @throws whatever `ask` does */
  async get(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#known.get(key);
    if (known !== undefined && known.untilMs > this.#nowMs()) return known.value;
    const asking = this.#asking.get(key);
    if (asking !== undefined) return asking;
    const asked = this.#ask(key, ask);
    this.#asking.set(key, asked);
    return asked;
  }

  forget(): void {
    this.#age++;
    this.#known.clear();
    this.#asking.clear();
  }

  async #ask(key: string, ask: () => Promise<T>): Promise<T> {
    const age = this.#age;
    try {
      // Not at once: what fails before `get` has noted that it is asked for would be noted for ever.
      const value = await Promise.resolve().then(ask);
      if (age === this.#age) this.#keep(key, value);
      return value;
    } finally {
      if (age === this.#age) this.#asking.delete(key);
    }
  }

  #keep(key: string, value: T): void {
    const keepMs = this.#keepMs(value);
    this.#known.delete(key);
    if (keepMs <= 0) return;
    this.#known.set(key, { value, untilMs: this.#nowMs() + keepMs });
    const oldest = this.#known.keys().next();
    if (this.#known.size > DNS_LIMITS.known && oldest.done !== true) this.#known.delete(oldest.value);
  }
}
