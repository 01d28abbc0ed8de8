import { hash32 } from '../../lib/hash.ts';
import type { NodeId } from '../model/index.ts';

export const BUCKETS = 256;

/** The bucket of a node: the first byte of its id, which is uniform since ids are hashes. */
export const bucketOf = (id: NodeId): number => Number.parseInt(id.slice(0, 2), 16);

/**
 * A digest of the live members: 256 hashes, each the exclusive or over its members of a hash of id and
 * incarnation, so that a change costs one operation and the order of changes does not matter.
 *
 * Only live members count, suspicion aside. A suspicion resolves by itself; and were the dead counted, two
 * nodes that forget one at different times would tell each other of it for ever.
 */
export class SyncBuckets {
  readonly #hashes: number[] = Array.from({ length: BUCKETS }, () => 0);

  /** Adds a live member, or takes it away: the operation is its own inverse. */
  toggle(id: NodeId, incarnation: number): void {
    const bucket = bucketOf(id);
    this.#hashes[bucket] = ((this.#hashes[bucket] ?? 0) ^ hash32(`${id}/${incarnation}`)) >>> 0;
  }

  values(): readonly number[] {
    return [...this.#hashes];
  }

  /** Buckets in which `theirs` is another hash; a missing one differs. */
  differing(theirs: readonly number[]): readonly number[] {
    const out: number[] = [];
    for (const [bucket, hash] of this.#hashes.entries()) if (theirs[bucket] !== hash) out.push(bucket);
    return out;
  }
}
