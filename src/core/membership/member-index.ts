import { hash32 } from '../../lib/hash.ts';
import type { NodeId } from '../model/index.ts';

/** How rumours refer to a known member: the first 16 hex digits of its id. */
export const rumourId = (id: NodeId): string => id.slice(0, SHORT_DIGITS);

const SHORT_DIGITS = 16;

/**
 * Where a member is in the table, by its id or the short id that rumours carry: open addressing with linear
 * probing and deletion by shifting back (Knuth, The Art of Computer Programming 3, 6.4, algorithm R), at most
 * two thirds full. One index serves both, since a short id is the beginning of an id.
 * Cost: 6 to 12 bytes a member, where two maps with their string keys take about 130.
 */
export class MemberIndex {
  readonly #idAt: (slot: number) => NodeId;
  /** Slot + 1; 0: free. */
  #cells: Int32Array;
  #size = 0;

  /** @param idAt the id of the member in a slot */
  constructor(idAt: (slot: number) => NodeId, expected: number) {
    this.#idAt = idAt;
    this.#cells = new Int32Array(cellsFor(expected));
  }

  /** −1 where it is not there. */
  find(id: NodeId): number {
    const cells = this.#cells;
    for (let at = this.#home(id); ; at = this.#next(at)) {
      const slot = (cells[at] as number) - 1;
      if (slot < 0 || this.#idAt(slot) === id) return slot;
    }
  }

  /** Any member whose id begins so; −1 where there is none. Not just a piece of a short id. */
  findShort(shortId: string): number {
    if (shortId.length !== SHORT_DIGITS) return -1;
    const cells = this.#cells;
    for (let at = this.#home(shortId); ; at = this.#next(at)) {
      const slot = (cells[at] as number) - 1;
      if (slot < 0 || this.#idAt(slot).startsWith(shortId)) return slot;
    }
  }

  add(slot: number): void {
    this.#size++;
    if (this.#size * 3 > this.#cells.length * 2) this.#grow();
    this.#put(slot);
  }

  delete(slot: number): void {
    const cells = this.#cells;
    let hole = this.#home(this.#idAt(slot));
    while (cells[hole] !== slot + 1) hole = this.#next(hole);
    this.#size--;
    for (let at = this.#next(hole); (cells[at] as number) > 0; at = this.#next(at)) {
      const home = this.#home(this.#idAt((cells[at] as number) - 1));
      // It may move back where its home is not between the hole and itself.
      const stays = hole <= at ? hole < home && home <= at : hole < home || home <= at;
      if (stays) continue;
      cells[hole] = cells[at] as number;
      hole = at;
    }
    cells[hole] = 0;
  }

  #put(slot: number): void {
    let at = this.#home(this.#idAt(slot));
    while (this.#cells[at] !== 0) at = this.#next(at);
    this.#cells[at] = slot + 1;
  }

  #grow(): void {
    const before = this.#cells;
    this.#cells = new Int32Array(before.length * 2);
    for (const cell of before) if (cell > 0) this.#put(cell - 1);
  }

  #home(id: string): number {
    return hash32(id.length === SHORT_DIGITS ? id : id.slice(0, SHORT_DIGITS)) & (this.#cells.length - 1);
  }

  #next(at: number): number {
    return (at + 1) & (this.#cells.length - 1);
  }
}

/** The power of two of which `members` are at most two thirds. */
function cellsFor(members: number): number {
  return 2 ** Math.max(3, Math.ceil(Math.log2(members * 1.5 + 1)));
}
