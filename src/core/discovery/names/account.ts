import type { ContainerId, Epoch, NameKey, NameRow } from '../../model/index.ts';
import { LIMITS } from '../../model/index.ts';
import { ringKey } from './keys.ts';

/** What an owner has of ours under one key of one container, or may have. */
interface Line {
  readonly key: NameKey;
  readonly containerId: ContainerId;
  /** Undefined: it is to be taken back. */
  readonly row: NameRow | undefined;
  /** The owner has not confirmed it. */
  due: boolean;
}

/** What one owner is to have of this node, and how far it has confirmed that: one registration is under way at a time. */
export class Account {
  /** Of the registration under way. */
  flight: Epoch | undefined;
  waitMs: number;
  token = 0;
  /** When something was last sent: after a time to live nothing of it stands there. */
  sentMs = 0;
  readonly #lines = new Map<string, Line>();
  #sent: readonly (readonly [id: string, line: Line])[] = [];

  constructor(waitMs: number) {
    this.waitMs = waitMs;
  }

  get size(): number {
    return this.#lines.size;
  }

  put(row: NameRow): void {
    const id = lineId(row);
    if (this.#lines.get(id)?.row !== row) this.#lines.set(id, { key: row.key, containerId: row.containerId, row, due: true });
  }

  /** If it stands here, or may, it no longer should. */
  takeBack({ key, containerId }: NameRow): void {
    const id = lineId({ key, containerId });
    const line = this.#lines.get(id);
    if (line?.row !== undefined) this.#lines.set(id, { key, containerId, row: undefined, due: true });
  }

  /** Nothing is certain any more. */
  doubt(): void {
    for (const line of this.#lines.values()) line.due = true;
    // A word about what was said before does not make it certain.
    this.#sent = [];
  }

  /** What is to be said next, and remembers it as said; undefined where all is confirmed. */
  next(): { readonly rows: readonly NameRow[]; readonly gone: readonly Pick<NameRow, 'key' | 'containerId'>[] } | undefined {
    const due: [string, Line][] = [];
    for (const entry of this.#lines) {
      if (!entry[1].due) continue;
      due.push(entry);
      if (due.length === LIMITS.namesPerMessage) break;
    }
    this.#sent = due;
    if (due.length === 0) return undefined;
    const rows = due.flatMap(([, { row }]) => (row === undefined ? [] : [row]));
    const gone = due.flatMap(([, { key, containerId, row }]) => (row === undefined ? [{ key, containerId }] : []));
    return { rows, gone };
  }

  /** What was said last has arrived; what has changed since is due still. */
  confirmed(): void {
    for (const [id, line] of this.#sent) {
      if (this.#lines.get(id) !== line) continue;
      line.due = false;
      if (line.row === undefined) this.#lines.delete(id);
    }
    this.#sent = [];
  }
}

const lineId = ({ key, containerId }: Pick<NameRow, 'key' | 'containerId'>): string => `${ringKey(key)} ${containerId}`;
