/**
 * The hints of a whole market, once: each row that a region's trader wrote, and when. A node sees a row from
 * the moment at which gossip would have told it (gossip-delay.ts), so each has its own, ageing view, without a
 * table of its own. Not modelled: a writer that dies before it has told anybody.
 */
import { regionKey } from '../../core/model/index.ts';
import type { Hint } from '../../core/model/index.ts';
import type { GossipDelay, GossipPace } from './gossip-delay.ts';

export interface Entry {
  readonly hint: Hint;
  readonly atMs: number;
  readonly writer: number;
  /** Names it in draws. */
  readonly piece: number;
}

export class HintLog {
  /** Rows written in all: what gossip has to carry. */
  written = 0;
  /** Per region, oldest stamp first. */
  readonly #rows = new Map<string, Entry[]>();
  readonly #delay: GossipDelay;
  readonly #packetMs: number;
  #pace: GossipPace;

  /** @param packetMs mean time between two membership packets that a node receives */
  constructor(delay: GossipDelay, packetMs: number) {
    this.#delay = delay;
    this.#packetMs = packetMs;
    this.#pace = { packetMs, rotationMs: packetMs };
  }

  get regions(): IterableIterator<string> {
    return this.#rows.keys();
  }

  /** @returns undefined where it was there already */
  add(writer: number, hint: Hint, atMs: number): Entry | undefined {
    const key = regionKey(hint.region);
    const rows = this.#rows.get(key) ?? [];
    this.#rows.set(key, rows);
    // What has been seen by everyone for long hides all that came before it.
    const settled = rows.findLastIndex((row) => atMs - row.atMs > SETTLED_MS);
    if (settled > 0) rows.splice(0, settled);
    let at = rows.length;
    while (at > 0 && isNewer((rows[at - 1] as Entry).hint, hint)) at--;
    const before = rows[at - 1]?.hint;
    if (before !== undefined && !isNewer(hint, before)) return undefined;
    const entry: Entry = { hint, atMs, writer, piece: ++this.written };
    rows.splice(at, 0, entry);
    this.#pace = { packetMs: this.#packetMs, rotationMs: (this.#rows.size / ROTATED_PER_PACKET) * this.#packetMs };
    return entry;
  }

  newest(key: string): Entry | undefined {
    return this.#rows.get(key)?.at(-1);
  }

  /** What `viewer` knows of a region. @param joinedMs since when it takes part */
  seen(key: string, viewer: number, joinedMs: number, nowMs: number): Hint | undefined {
    const rows = this.#rows.get(key);
    if (rows === undefined) return undefined;
    for (let i = rows.length - 1; i >= 0; i--) {
      const entry = rows[i] as Entry;
      if (nowMs - entry.atMs > SETTLED_MS && nowMs - joinedMs > SETTLED_MS) return entry.hint;
      if (this.heardAtMs(entry, viewer, joinedMs) <= nowMs) return entry.hint;
    }
    return undefined;
  }

  /** When `viewer` hears of an entry: one written before it joined comes round to it. */
  heardAtMs(entry: Entry, viewer: number, joinedMs: number): number {
    if (entry.writer === viewer) return entry.atMs;
    if (joinedMs > entry.atMs) return joinedMs - Math.log(this.#delay.unit(viewer, entry.piece) + 1e-10) * this.#pace.rotationMs;
    return entry.atMs + this.#delay.ms(viewer, entry.piece, this.#pace);
  }
}

/** After this even those have heard who had to wait for the rotation. */
const SETTLED_MS = 10 * 60_000;
/** DISCOVERY.hintsRepeated. */
const ROTATED_PER_PACKET = 2;

/** As HintTable merges: by stamp, then by weight. */
function isNewer(a: Hint, b: Hint): boolean {
  if (a.stamp !== b.stamp) return a.stamp > b.stamp;
  return a.countLevel * 64 + a.splitLevel > b.countLevel * 64 + b.splitLevel;
}
