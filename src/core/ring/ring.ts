/**
 * A consistent-hash ring (Karger 1997) over the members believed alive, with a few points for each so
 * that shares even out. One hop: every node computes every key's owner from its own member list, and
 * two nodes that disagree about a member disagree only about the keys next to that member's points.
 *
 * Cost: POINTS_PER_MEMBER entries of 16 bytes for each member; a lookup is a binary search; changes are
 * gathered and merged in one linear pass at the next lookup, so that learning a whole instance at once
 * costs one sort.
 */
import { hash32 } from '../../lib/hash.ts';
import type { NodeId } from '../model/index.ts';

const POINTS_PER_MEMBER = 4;

interface Point {
  readonly at: number;
  readonly owner: NodeId;
}

export class Ring {
  readonly #members = new Set<NodeId>();
  readonly #added = new Set<NodeId>();
  readonly #removed = new Set<NodeId>();
  #points: Point[] = [];

  get size(): number {
    return this.#members.size;
  }

  has(id: NodeId): boolean {
    return this.#members.has(id);
  }

  /** @returns whether it was new. */
  add(id: NodeId): boolean {
    if (this.#members.has(id)) return false;
    this.#members.add(id);
    if (!this.#removed.delete(id)) this.#added.add(id);
    return true;
  }

  /** @returns whether it was there. */
  remove(id: NodeId): boolean {
    if (!this.#members.delete(id)) return false;
    if (!this.#added.delete(id)) this.#removed.add(id);
    return true;
  }

  /**
   * The member responsible for `key`; undefined on an empty ring.
   * @param among asks for the owner on the ring of those members alone for which it is true
   */
  owner(key: string, among?: (id: NodeId) => boolean): NodeId | undefined {
    this.#merge();
    const points = this.#points;
    const at = hash32(key);
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((points[middle] as Point).at < at) low = middle + 1;
      else high = middle;
    }
    if (among === undefined) return (points[low] ?? points[0])?.owner;
    for (let i = 0; i < points.length; i++) {
      const { owner } = points[(low + i) % points.length] as Point;
      if (among(owner)) return owner;
    }
    return undefined;
  }

  #merge(): void {
    if (this.#added.size === 0 && this.#removed.size === 0) return;
    const fresh = [...this.#added].flatMap(pointsOf).sort(byPlace);
    const merged: Point[] = [];
    let next = 0;
    for (const point of this.#points) {
      if (this.#removed.has(point.owner)) continue;
      while (next < fresh.length && byPlace(fresh[next] as Point, point) < 0) merged.push(fresh[next++] as Point);
      merged.push(point);
    }
    while (next < fresh.length) merged.push(fresh[next++] as Point);
    this.#points = merged;
    this.#added.clear();
    this.#removed.clear();
  }
}

/** How far it is from a key to a member's next point: of all members the nearest is responsible. */
export function distance(key: string, member: NodeId): number {
  const from = hash32(key);
  return Math.min(...pointsOf(member).map(({ at }) => (at - from) >>> 0));
}

function pointsOf(owner: NodeId): Point[] {
  return Array.from({ length: POINTS_PER_MEMBER }, (_, i) => ({ at: hash32(`${owner}#${i}`), owner }));
}

/** Ties go to the smaller id, so that every node orders colliding points alike. */
function byPlace(a: Point, b: Point): number {
  return a.at - b.at || (a.owner < b.owner ? -1 : 1);
}
