import { LIMITS } from '../model/index.ts';
import type { NodeId, Rumour } from '../model/index.ts';

interface Item {
  readonly key: string;
  readonly rumour: Rumour;
  readonly bytes: number;
  sent: number;
}

interface Taken {
  readonly rumours: readonly Rumour[];
  readonly bytes: number;
}

const NONE: Taken = { rumours: [], bytes: 0 };

/** Rumours too large for the room left are passed over this often before a packet counts as full. */
const MISFITS = 8;

/**
 * News still to be passed on. Of each member at most one record and one state, so at most 2 × LIMITS.members
 * items: newer news replaces older and starts afresh. Fewest-sent first, so that the newest news spreads
 * fastest (SWIM §4.1); after `limit` sends an item is dropped.
 */
export class RumourQueue {
  /** Items by how often they were sent; within one, oldest first. */
  readonly #tiers: Map<string, Item>[] = [];
  readonly #items = new Map<string, Item>();

  get size(): number {
    return this.#items.size;
  }

  /** @param bytes what it adds to a packet. */
  put(subject: NodeId, rumour: Rumour, bytes: number): void {
    if (rumour.kind === 'record') {
      const state = this.#items.get(keyOf(subject, 'state'))?.rumour;
      if (state?.kind === 'state' && state.incarnation < rumour.member.incarnation) this.#remove(keyOf(subject, 'state'));
    } else if (rumour.state !== 'suspect') {
      this.#remove(keyOf(subject, 'record'));
    }
    const key = keyOf(subject, rumour.kind);
    this.#remove(key);
    this.#place({ key, rumour, bytes, sent: 0 });
  }

  /**
   * Rumours for one packet, counted as sent.
   * @param roomBytes what they may add up to
   * @param limit how often a rumour is sent in all
   * @param besides keys (`keyOf`) that the packet has already
   * @returns them, and the bytes they add
   */
  take(roomBytes: number, limit: number, count: number, besides: ReadonlySet<string>): Taken {
    if (this.#items.size === 0) return NONE;
    const taken: Item[] = [];
    let room = roomBytes;
    let misfits = 0;
    const most = Math.min(count, LIMITS.gossipPerPacket);
    scan: for (const tier of this.#tiers) {
      for (const item of tier.values()) {
        if (taken.length >= most || misfits >= MISFITS) break scan;
        if (besides.has(item.key)) continue;
        if (item.bytes > room) {
          misfits++;
          continue;
        }
        room -= item.bytes;
        taken.push(item);
      }
    }
    for (const item of taken) {
      this.#remove(item.key);
      item.sent++;
      if (item.sent < limit) this.#place(item);
    }
    return { rumours: taken.map((item) => item.rumour), bytes: roomBytes - room };
  }

  clear(): void {
    this.#items.clear();
    this.#tiers.length = 0;
  }

  #place(item: Item): void {
    while (this.#tiers.length <= item.sent) this.#tiers.push(new Map());
    this.#tiers[item.sent]?.set(item.key, item);
    this.#items.set(item.key, item);
  }

  #remove(key: string): void {
    const item = this.#items.get(key);
    if (item === undefined) return;
    this.#items.delete(key);
    this.#tiers[item.sent]?.delete(key);
  }
}

export const keyOf = (subject: NodeId, kind: Rumour['kind']): string => `${subject}/${kind}`;
