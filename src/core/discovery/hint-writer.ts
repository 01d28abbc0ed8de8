/**
 * The hints of the regions whose shard 0 this node keeps. It alone says how many offers a region has
 * and into how many shards it is split; it counts its own shard and multiplies. After a change of the
 * split its count means nothing until the suppliers have moved, so it waits two hint periods.
 */
import { regionKey } from '../model/index.ts';
import type { NodeId, Region, Turn } from '../model/index.ts';
import type { Directory } from './directory.ts';
import { levelOf } from './hint-level.ts';
import { directoryKey } from './region.ts';
import { DISCOVERY } from './tunables.ts';

export class HintWriter {
  readonly #self: NodeId;
  readonly #directory: Directory;
  readonly #offersInShard0: (region: Region) => number;
  /** Regions that this node keeps shard 0 of, or did. */
  readonly #known = new Map<string, Region>();
  /** When each region was split or merged by us. */
  readonly #moved = new Map<string, number>();
  #takeOver = false;
  #sweeps = 0;

  constructor(self: NodeId, directory: Directory, offersInShard0: (region: Region) => number) {
    this.#self = self;
    this.#directory = directory;
    this.#offersInShard0 = offersInShard0;
  }

  /** An offer came or went: said at once where the region goes to or from empty. */
  changed(turn: Turn, region: Region): void {
    const empty = this.#offersInShard0(region) === 0;
    const saidEmpty = (this.#directory.hints.get(region)?.countLevel ?? 0) === 0;
    if (!empty) this.#known.set(regionKey(region), region);
    if (empty !== saidEmpty) this.#evaluate(turn, region);
  }

  /** Regions may have become ours: looked at when their suppliers have had time to publish to us. */
  ringChanged(turn: Turn): void {
    if (this.#takeOver) return;
    this.#takeOver = true;
    turn.setTimer({ machine: 'trader', name: 'take-over', key: '', token: 0 }, DISCOVERY.takeOverMs);
  }

  takeOver(turn: Turn): void {
    this.#takeOver = false;
    this.#sweeps = 0;
    this.write(turn);
  }

  /** Of regions that we keep, or did; and now and then of all, for rows that came after the region was ours. */
  write(turn: Turn): void {
    if (this.#sweeps++ % DISCOVERY.sweepsPerLookAround === 0) {
      for (const { region } of this.#directory.hints.all()) this.#evaluate(turn, region);
    }
    for (const [key, region] of this.#known) {
      this.#evaluate(turn, region);
      if (this.#offersInShard0(region) === 0) this.#known.delete(key);
    }
  }

  #evaluate(turn: Turn, region: Region): void {
    const { ring, hints } = this.#directory;
    if (ring.owner(directoryKey(region, 0)) !== this.#self) return;
    const key = regionKey(region);
    const said = hints.get(region);
    const level = said?.splitLevel ?? 0;
    const here = this.#offersInShard0(region);
    const movedMs = this.#moved.get(key);
    if (movedMs !== undefined && turn.nowMs - movedMs < 2 * DISCOVERY.hintMs && here > 0) return;
    this.#moved.delete(key);
    const count = here * 2 ** level;
    const next = splitFor(count, level);
    if (next !== level) this.#moved.set(key, turn.nowMs);
    const countLevel = levelOf(count);
    if (said?.countLevel === countLevel && level === next) return;
    if (said === undefined && countLevel === 0) return;
    hints.write(region, countLevel, next, turn.wallMs);
  }
}

/** Where more than 1.5 targets are in a shard it is split until there are not; below half a target it is merged, one step at a time. */
function splitFor(count: number, level: number): number {
  const target = DISCOVERY.shardTarget;
  let next = level;
  while (next < DISCOVERY.splitLevels && count > 1.5 * target * 2 ** next) next++;
  return next === level && level > 0 && count < 0.5 * target * 2 ** level ? level - 1 : next;
}
