import { shardOf } from '../../core/discovery/region.ts';
import { regionKey } from '../../core/model/index.ts';
import type { Hint, Publish } from '../../core/model/index.ts';
import type { Schedule } from '../schedule.ts';
import type { Grapevine } from './grapevine.ts';
import type { Entry, HintLog } from './hint-log.ts';
import type { MarketNode } from './market-node.ts';

/** Takes rows into the log, and lets suppliers whose offers a row moves look again when they hear of it. */
export class HintWatch {
  readonly #log: HintLog;
  readonly #grapevine: Grapevine;
  readonly #schedule: Schedule;
  readonly #node: (index: number) => MarketNode;

  constructor(log: HintLog, grapevine: Grapevine, schedule: Schedule, node: (index: number) => MarketNode) {
    this.#log = log;
    this.#grapevine = grapevine;
    this.#schedule = schedule;
    this.#node = node;
  }

  write(writer: number, hint: Hint): void {
    const key = regionKey(hint.region);
    const before = this.#log.newest(key)?.hint.splitLevel ?? 0;
    const entry = this.#log.add(writer, hint, this.#schedule.nowMs);
    if (entry === undefined || hint.splitLevel === before) return;
    for (const place of this.#grapevine.keysOf(key)) {
      for (const supplier of this.#grapevine.suppliersAt(place)) this.#wake(supplier, entry);
    }
  }

  /** An offer went to a shard that a row, still unheard there, has given up. */
  published(from: number, { region, shard }: Publish): void {
    const entry = this.#log.newest(regionKey(region));
    if (entry !== undefined && shard !== shardOf(this.#node(from).id, entry.hint.splitLevel)) this.#wake(from, entry);
  }

  #wake(supplier: number, entry: Entry): void {
    const node = this.#node(supplier);
    const heardMs = this.#log.heardAtMs(entry, supplier, node.joinedMs);
    if (heardMs <= this.#schedule.nowMs) return;
    const { core } = node;
    this.#schedule.at(heardMs, () => {
      if (node.core === core) node.input(0, (_core, turn) => node.listeners?.onHints(turn));
    });
  }
}
