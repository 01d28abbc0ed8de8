import type { Lease } from '../model/index.ts';
import { blockPrefix, usableIn } from './addresses.ts';
import { findFree } from './free-space.ts';
import type { Holdings } from './holdings.ts';
import type { LeaseChange } from './port.ts';
import { LEASES } from './tunables.ts';

export interface Wish {
  /** Takes that wait for an address: for them, pieces smaller than a block will do. */
  readonly waiting: number;
  /** Whether one block stays however little is in use. */
  readonly keepOne: boolean;
}

/** Whether this node should have more addresses than it has. */
export function wantsMore({ capacity, inUse }: Holdings, { waiting, keepOne }: Wish): boolean {
  const used = inUse.size + waiting;
  return (keepOne && capacity === 0) || (used > 0 && used >= capacity * LEASES.nextBlockAt);
}

/**
 * Blocks to lease out of what is free by `leases`: whole ones until half of all would be unused, pieces only for
 * takes that would get nothing otherwise. Nothing smaller is taken ahead of need: where space is that short,
 * somebody else may need it now. undefined: nothing, or nothing free.
 */
export function acquisition(holdings: Holdings, leases: readonly Lease[], wish: Wish): LeaseChange | undefined {
  const { facts, network, self, inUse } = holdings;
  if (facts === undefined) return undefined;
  const mustSplit = () => isDesperate && gained < Math.max(wish.waiting, 1);
  const isDesperate = wish.waiting > 0 || (wish.keepOne && holdings.capacity === 0);
  const used = inUse.size + wish.waiting;
  const add: Lease[] = [];
  let gained = 0;
  while (add.length < LEASES.blocksAtOnce) {
    const wantsAhead = used >= (holdings.capacity + gained) * LEASES.nextBlockAt && used > 0;
    if (!mustSplit() && !wantsAhead) break;
    const block = findFree(facts, [...leases, ...add], mustSplit());
    if (block === undefined) break;
    add.push({ network, block, node: self });
    gained += usableIn(facts, block);
  }
  return add.length > 0 ? { add, remove: [] } : undefined;
}

/** Whether the copy knows a whole block that nobody has. */
export function hasFreeBlock({ facts, leases }: Holdings): boolean {
  return facts !== undefined && findFree(facts, leases, false)?.prefix === blockPrefix(facts.subnet);
}
