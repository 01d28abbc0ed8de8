import type { Hint, Region } from '../model/index.ts';

/** Which regions hold how many offers, as far as this node has heard. */
export interface Hints {
  get(region: Region): Hint | undefined;
  all(): readonly Hint[];
  /** What a find goes by: what was hinted, and what this node saw itself. */
  believed(nowMs: number): readonly Hint[];
  /** An offer was seen to move to this region. */
  suppose(region: Region, nowMs: number): void;
  /** From the region's own trader. */
  write(region: Region, countLevel: number, splitLevel: number, wallMs: number): void;
}
