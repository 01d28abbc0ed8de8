import type { Prng } from '../../lib/prng.ts';
import type { World } from '../world.ts';

/** Somebody changes what all agree on, now and then: a node that is up has the next version, and the others are to hear of it. */
export class AgreedChanges {
  readonly #world: World;
  readonly #random: Prng;
  #revision = 0;

  constructor(world: World, random: Prng) {
    this.#world = world;
    this.#random = random;
  }

  /** At drawn moments between two times. */
  schedule(fromMs: number, untilMs: number, everyMs: number): void {
    for (let atMs = fromMs; ; ) {
      atMs += -Math.log(1 - this.#random.float()) * everyMs;
      if (atMs >= untilMs) return;
      this.#world.schedule.at(atMs, () => {
        const node = this.#random.pick(this.#world.nodes.filter(({ up, paused }) => up && !paused));
        node?.shell.agree({ epoch: 1, revision: ++this.#revision });
      });
    }
  }
}
