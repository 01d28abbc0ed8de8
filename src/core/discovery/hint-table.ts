/**
 * Which regions hold how many offers, as far as this node has heard: one row a region, newest stamp
 * wins. Rows that are news ride on ⌈log⌉ many membership packets; behind them the others rotate
 * slowly, so that a node that joined or missed one hears it, too.
 *
 * In a burst regions change faster than gossip tells. So a node also goes by what it saw itself
 * (suppositions.ts), for as long as a hint may need; it tells nobody, since only the region's trader counts.
 */
import { regionKey } from '../model/index.ts';
import type { Hint, Region } from '../model/index.ts';
import type { Hints } from './hints.ts';
import { isRegion } from './region.ts';
import { Suppositions } from './suppositions.ts';
import { DISCOVERY } from './tunables.ts';

interface Row {
  readonly hint: Hint;
  /** Packets that it still rides on as news. */
  sends: number;
}

export class HintTable implements Hints {
  readonly #rows = new Map<string, Row>();
  readonly #supposed = new Suppositions();
  readonly #members: () => number;
  #rotation: string[] = [];

  /** @param members how many there are: news is repeated a number of times that grows with its logarithm. */
  constructor(members: () => number) {
    this.#members = members;
  }

  get(region: Region): Hint | undefined {
    return this.#rows.get(regionKey(region))?.hint;
  }

  all(): readonly Hint[] {
    return Array.from(this.#rows.values(), (row) => row.hint);
  }

  suppose(region: Region, nowMs: number): void {
    this.#supposed.add(region, nowMs);
  }

  believed(nowMs: number): readonly Hint[] {
    return this.#supposed.over(this.all(), (key) => this.#rows.get(key)?.hint, nowMs);
  }

  /** From the network. @returns the rows that were news. */
  merge(hints: readonly Hint[]): readonly Hint[] {
    return hints.filter((hint) => {
      if (!isHint(hint)) return false;
      const known = this.get(hint.region);
      // Of two rows of one second, all nodes keep the same one.
      if (known !== undefined && (known.stamp > hint.stamp || (known.stamp === hint.stamp && weight(known) >= weight(hint)))) return false;
      this.#set(hint);
      return true;
    });
  }

  /** From the region's own trader: newer than whatever was said, even by a clock that runs ahead. */
  write(region: Region, countLevel: number, splitLevel: number, wallMs: number): void {
    const stamp = Math.max(Math.floor(wallMs / 1000), (this.get(region)?.stamp ?? 0) + 1);
    this.#set({ region, countLevel, splitLevel, stamp });
  }

  /** At most `n` rows to send along, news first. */
  take(n: number): readonly Hint[] {
    const taken: Hint[] = [];
    for (const row of this.#rows.values()) {
      if (taken.length >= n) return taken;
      if (row.sends === 0) continue;
      row.sends--;
      taken.push(row.hint);
    }
    for (let i = 0; i < DISCOVERY.hintsRepeated && taken.length < n; i++) {
      if (this.#rotation.length === 0) this.#rotation = [...this.#rows.keys()];
      const row = this.#rows.get(this.#rotation.pop() ?? '');
      if (row !== undefined && !taken.includes(row.hint)) taken.push(row.hint);
    }
    return taken;
  }

  #set(hint: Hint): void {
    const sends = DISCOVERY.hintRetransmit * Math.ceil(Math.log10(this.#members() + 1));
    this.#rows.set(regionKey(hint.region), { hint, sends });
  }
}

/** The year 36812: whatever a clock says, there is room for newer rows. */
const LATEST_STAMP = 2 ** 40;

const weight = (hint: Hint): number => hint.countLevel * 64 + hint.splitLevel;

function isHint(hint: Hint): boolean {
  const { region, countLevel, splitLevel, stamp } = hint;
  return (
    isRegion(region) &&
    Number.isInteger(countLevel) &&
    countLevel >= 0 &&
    countLevel <= 24 &&
    Number.isInteger(splitLevel) &&
    splitLevel >= 0 &&
    splitLevel <= DISCOVERY.splitLevels &&
    Number.isInteger(stamp) &&
    stamp <= LATEST_STAMP
  );
}
