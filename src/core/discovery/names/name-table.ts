import type { ContainerId, NameHolder, NameRow, NodeId } from '../../model/index.ts';
import { LIMITS } from '../../model/index.ts';
import { ringKey } from './keys.ts';
import { NAMES } from './tunables.ts';

/** A row as a key's owner keeps it. */
export interface Registration extends NameRow {
  readonly node: NodeId;
  /** Of its node when it registered: a node that raises it registers anew. */
  readonly incarnation: number;
  readonly untilMs: number;
  /** Since when a newer incarnation of its node is known. */
  outdatedMs: number | undefined;
}

/**
 * What others have registered with this node, by key; bounded in all and per key. Each node's word stands for
 * itself: a container that one node could not create is another's a moment later, and their words come in any order.
 */
export class NameTable {
  readonly #keys = new Map<string, Map<string, Registration>>();
  /** Keys of which something did not fit, and until when that may be missed. */
  readonly #cut = new Map<string, number>();
  #cutUntilMs = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  put(registration: Registration, nowMs: number): void {
    const key = ringKey(registration.key);
    const rows = this.#keys.get(key) ?? new Map<string, Registration>();
    const id = rowId(registration);
    const isNew = !rows.has(id);
    if (isNew && rows.size >= LIMITS.namesPerKey) {
      this.#cut.set(key, nowMs + NAMES.ttlMs);
      return;
    }
    if (isNew && this.#size >= LIMITS.names * NAMES.shares[registration.key.kind]) {
      this.#cutUntilMs = nowMs + NAMES.ttlMs;
      return;
    }
    if (isNew) this.#size++;
    this.#keys.set(key, rows.set(id, registration));
  }

  delete(key: string, whose: NameHolder): void {
    const rows = this.#keys.get(key);
    if (rows?.delete(rowId(whose)) !== true) return;
    this.#size--;
    if (rows.size === 0) this.#keys.delete(key);
  }

  /** Whether any node has registered the container. */
  has(key: string, id: ContainerId): boolean {
    return this.under(key).some(({ containerId }) => containerId === id);
  }

  under(key: string): readonly Registration[] {
    return [...(this.#keys.get(key)?.values() ?? [])];
  }

  all(): readonly Registration[] {
    return [...this.#keys.values()].flatMap((rows) => [...rows.values()]);
  }

  /** Whether all that was registered under the key is here. */
  isWhole(key: string, nowMs: number): boolean {
    return nowMs >= Math.max(this.#cutUntilMs, this.#cut.get(key) ?? 0);
  }

  sweep(nowMs: number, isOver: (registration: Registration) => boolean): void {
    for (const [key, rows] of this.#keys) for (const row of rows.values()) if (isOver(row)) this.delete(key, row);
    for (const [key, untilMs] of this.#cut) if (untilMs <= nowMs) this.#cut.delete(key);
  }
}

const rowId = ({ containerId, node }: NameHolder): string => `${containerId} ${node}`;
