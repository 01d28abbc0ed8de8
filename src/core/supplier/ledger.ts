/**
 * Who holds how much of this node (DESIGN §2.1). The one place that admits: nothing else ever decides
 * that something fits. An amount is entered under a key (a hold's or a container's) and leaves under it.
 */
import { assert } from '../../lib/assert.ts';
import { NO_RESOURCES, add, fits, larger, sameResources, subtract } from '../model/index.ts';
import type { ContainerId, RequestId, Resources } from '../model/index.ts';

export const holdKey = (id: RequestId): string => `hold ${id}`;
export const containerKey = (id: ContainerId): string => `container ${id}`;

export class Ledger {
  readonly #capacity: () => Resources;
  readonly #entries = new Map<string, Resources>();
  #held: Resources = NO_RESOURCES;
  #version = 0;

  constructor(capacity: () => Resources) {
    this.#capacity = capacity;
  }

  /** Grows with each change: the counter of the supplier's epoch. */
  get version(): number {
    return this.#version;
  }

  held(): Resources {
    return this.#held;
  }

  /** Never negative, even where a shrunken capacity is oversubscribed. */
  free(): Resources {
    const left = subtract(this.#capacity(), this.#held);
    return { cpuMillicores: Math.max(0, left.cpuMillicores), memoryBytes: Math.max(0, left.memoryBytes) };
  }

  /** What would be free for `key` were its own amount given back. */
  freeFor(key: string): Resources {
    const own = this.#entries.get(key);
    if (own === undefined) return this.free();
    const left = subtract(this.#capacity(), subtract(this.#held, own));
    return { cpuMillicores: Math.max(0, left.cpuMillicores), memoryBytes: Math.max(0, left.memoryBytes) };
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** @returns whether it fitted, and is now held. */
  admit(key: string, amount: Resources): boolean {
    assert(!this.#entries.has(key), `${key} is held already`);
    // Not by `free`, which hides that a dimension is oversubscribed: then nothing more is taken, whatever it needs.
    if (!fits(add(this.#held, amount), this.#capacity())) return false;
    this.#enter(key, amount);
    return true;
  }

  /** Counts what runs already, fitting or not: a restart with a smaller capacity stops nobody. */
  count(key: string, amount: Resources): void {
    if (!this.#entries.has(key)) this.#enter(key, amount);
  }

  /** The amount goes from one holder to another without a moment in which it is free; the first keeps the rest. */
  move(from: string, to: string, amount: Resources): void {
    const whole = this.#entries.get(from);
    assert(whole !== undefined && fits(amount, whole) && !this.#entries.has(to), `${from} can't become ${to}`);
    this.#entries.set(from, subtract(whole, amount));
    this.#entries.set(to, amount);
  }

  /**
   * The holder gets what it lacks of `amount`, where there is room for it; what it has beyond stays its own until it is
   * `cut`. What needs no more than it has always fits, even where a capacity that shrank is oversubscribed.
   */
  widen(key: string, amount: Resources): boolean {
    const own = this.#entries.get(key);
    assert(own !== undefined, `${key} holds nothing`);
    const wide = larger(own, amount);
    const held = add(this.#held, subtract(wide, own));
    const capacity = this.#capacity();
    if (wide.cpuMillicores > own.cpuMillicores && held.cpuMillicores > capacity.cpuMillicores) return false;
    if (wide.memoryBytes > own.memoryBytes && held.memoryBytes > capacity.memoryBytes) return false;
    this.#replace(key, own, wide);
    return true;
  }

  /** The holder keeps only this much of what it has. */
  cut(key: string, amount: Resources): void {
    const own = this.#entries.get(key);
    assert(own !== undefined && fits(amount, own), `${key} has less than it is to keep`);
    this.#replace(key, own, amount);
  }

  release(key: string): void {
    const amount = this.#entries.get(key);
    if (amount === undefined) return;
    this.#entries.delete(key);
    if (sameResources(amount, NO_RESOURCES)) return;
    this.#held = subtract(this.#held, amount);
    this.#version++;
  }

  /** The capacity changed under us: what we say of ourselves is newer. */
  touch(): void {
    this.#version++;
  }

  #replace(key: string, own: Resources, amount: Resources): void {
    if (sameResources(own, amount)) return;
    this.#entries.set(key, amount);
    this.#held = add(subtract(this.#held, own), amount);
    this.#version++;
  }

  #enter(key: string, amount: Resources): void {
    this.#entries.set(key, amount);
    this.#held = add(this.#held, amount);
    this.#version++;
  }
}
