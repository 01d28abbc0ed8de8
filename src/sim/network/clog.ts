import type { Links } from './links.ts';

/** Packets one clog keeps; a real queue overflows, too. */
export const KEPT = 5_000;

/** Links that deliver nothing for a while, and then everything at once: a full buffer, a suspended virtual machine. */
export class Clog {
  readonly #on: Links;
  readonly #kept: (() => void)[] = [];

  constructor(on: Links) {
    this.#on = on;
  }

  holds(from: number, to: number): boolean {
    return this.#on(from, to);
  }

  /** False where there is no room for another. */
  keep(arrive: () => void): boolean {
    if (this.#kept.length >= KEPT) return false;
    this.#kept.push(arrive);
    return true;
  }

  release(): readonly (() => void)[] {
    return this.#kept.splice(0);
  }
}
