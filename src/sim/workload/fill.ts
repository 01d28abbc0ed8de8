import { MIB } from '../../core/model/index.ts';
import type { Resources, Result } from '../../core/model/index.ts';
import type { Prng } from '../../lib/prng.ts';
import type { World } from '../world.ts';
import { drawRequest } from './request.ts';

/**
 * Fills a calm instance to refusal: runs of one size, one after the other and some at once, from
 * random nodes, until `PATIENCE` in a row are refused; then the same with smaller ones.
 */
export class Fill {
  readonly #world: World;
  readonly #random: Prng;
  #size: Resources;
  #underWay = 0;
  #refusedInARow = 0;
  #sizesLeft: number;

  constructor(world: World, random: Prng, sizes: number) {
    this.#world = world;
    this.#random = random;
    this.#sizesLeft = sizes;
    this.#size = this.#drawSize();
  }

  get done(): boolean {
    return this.#sizesLeft === 0 && this.#underWay === 0;
  }

  /** Keeps up to `width` runs under way. */
  begin(width: number): void {
    for (let i = 0; i < width; i++) this.#next();
  }

  #next(): void {
    if (this.#refusedInARow >= PATIENCE) {
      this.#refusedInARow = 0;
      this.#sizesLeft = Math.max(0, this.#sizesLeft - 1);
      this.#size = this.#drawSize();
    }
    const node = this.#random.pick(this.#world.nodes.filter((n) => n.up));
    if (this.#sizesLeft === 0 || node === undefined) return;
    this.#underWay++;
    this.#world.command(node, { kind: 'run', request: drawRequest(this.#random, this.#size), exclude: [] }, (result) =>
      this.#ended(result),
    );
  }

  #ended(result: Result): void {
    this.#underWay--;
    this.#refusedInARow = result.ok ? 0 : this.#refusedInARow + 1;
    this.#next();
  }

  #drawSize(): Resources {
    const octave = 2 ** this.#sizesLeft;
    return { cpuMillicores: octave * (50 + this.#random.int(6) * 25), memoryBytes: octave * (32 + this.#random.int(8) * 16) * MIB };
  }
}

const PATIENCE = 3;
