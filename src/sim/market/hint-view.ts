import type { Hints } from '../../core/discovery/hints.ts';
import { Suppositions } from '../../core/discovery/suppositions.ts';
import { regionKey } from '../../core/model/index.ts';
import type { Hint, Region } from '../../core/model/index.ts';
import type { HintLog } from './hint-log.ts';

export interface HintViewOptions {
  readonly viewer: number;
  readonly joinedMs: number;
  readonly log: HintLog;
  readonly nowMs: () => number;
  readonly onWrite: (hint: Hint) => void;
}

/** One node's hints: of the shared log what it has heard by now, and what it supposes itself. */
export class HintView implements Hints {
  readonly #options: HintViewOptions;
  readonly #supposed = new Suppositions();

  constructor(options: HintViewOptions) {
    this.#options = options;
  }

  get(region: Region): Hint | undefined {
    return this.#seen(regionKey(region), this.#options.nowMs());
  }

  all(): readonly Hint[] {
    const nowMs = this.#options.nowMs();
    const hints: Hint[] = [];
    for (const key of this.#options.log.regions) {
      const hint = this.#seen(key, nowMs);
      if (hint !== undefined) hints.push(hint);
    }
    return hints;
  }

  believed(nowMs: number): readonly Hint[] {
    return this.#supposed.over(this.all(), (key) => this.#seen(key, nowMs), nowMs);
  }

  suppose(region: Region, nowMs: number): void {
    this.#supposed.add(region, nowMs);
  }

  write(region: Region, countLevel: number, splitLevel: number, wallMs: number): void {
    const stamp = Math.max(Math.floor(wallMs / 1000), (this.get(region)?.stamp ?? 0) + 1);
    this.#options.onWrite({ region, countLevel, splitLevel, stamp });
  }

  #seen(key: string, nowMs: number): Hint | undefined {
    const { log, viewer, joinedMs } = this.#options;
    return log.seen(key, viewer, joinedMs, nowMs);
  }
}
