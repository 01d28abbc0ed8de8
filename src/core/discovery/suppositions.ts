import { regionKey } from '../model/index.ts';
import type { Hint, Region } from '../model/index.ts';
import { countOf, levelOf } from './hint-level.ts';
import { DISCOVERY } from './tunables.ts';

/**
 * What a node saw of offers that moved, until hints can tell of it. In a burst the contents of whole regions
 * move to lower ones within a second, where no hint counts them for up to a minute; the trader that sent them
 * there with its reserves is the one that has to send the next find on.
 */
export class Suppositions {
  readonly #regions = new Map<string, { readonly region: Region; readonly offers: number; readonly untilMs: number }>();

  get size(): number {
    return this.#regions.size;
  }

  /** An offer was seen to move to this region. */
  add(region: Region, nowMs: number): void {
    const key = regionKey(region);
    const before = this.#regions.get(key);
    const offers = before === undefined || before.untilMs <= nowMs ? 0 : before.offers;
    this.#regions.set(key, { region, offers: offers + 1, untilMs: nowMs + DISCOVERY.supposeMs });
  }

  /** Hints, and what is supposed on top of them. @param hintOf what is hinted of a region */
  over(hints: readonly Hint[], hintOf: (key: string) => Hint | undefined, nowMs: number): readonly Hint[] {
    if (this.#regions.size === 0) return hints;
    const raised = new Map<Hint | string, Hint>();
    for (const [key, { region, offers, untilMs }] of this.#regions) {
      if (untilMs <= nowMs) {
        this.#regions.delete(key);
        continue;
      }
      const hint = hintOf(key);
      const countLevel = levelOf(countOf(hint?.countLevel ?? 0) + offers);
      raised.set(hint ?? key, { region, countLevel, splitLevel: hint?.splitLevel ?? 0, stamp: hint?.stamp ?? 0 });
    }
    const both = hints.map((hint) => raised.get(hint) ?? hint);
    for (const [of, hint] of raised) if (typeof of === 'string') both.push(hint);
    return both;
  }
}
