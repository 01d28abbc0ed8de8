import { lastOf, sizeOf } from '../../lib/ipv4.ts';
import type { Cidr } from '../../lib/ipv4.ts';
import type { Lease } from '../model/index.ts';
import { blockPrefix, usableIn } from './addresses.ts';
import type { NetworkFacts } from './port.ts';

/**
 * A block of the network's size that no lease touches, the lowest one; with `split`, where there is none, the
 * largest smaller piece, down to /32. Blocks without an address for a container don't count. One pass over
 * the gaps between leases: O(n log n) in their number, whatever the subnet's size.
 */
export function findFree(facts: NetworkFacts, leases: readonly Pick<Lease, 'block'>[], split: boolean): Cidr | undefined {
  const whole = blockPrefix(facts.subnet);
  let best: Cidr | undefined;
  for (const [from, to] of gaps(facts.subnet, leases)) {
    const smallest = split ? 32 : whole;
    for (let prefix = whole; prefix <= smallest && (best === undefined || prefix < best.prefix); prefix++) {
      best = firstIn(facts, from, to, prefix) ?? best;
    }
    if (best?.prefix === whole) return best;
  }
  return best;
}

/** First and last address of each stretch without a lease, in order. */
function* gaps(subnet: Cidr, leases: readonly Pick<Lease, 'block'>[]): Generator<readonly [number, number]> {
  let next = subnet.base;
  for (const { block } of leases.toSorted((a, b) => a.block.base - b.block.base)) {
    if (block.base > next) yield [next, block.base - 1];
    next = Math.max(next, lastOf(block) + 1);
  }
  if (next <= lastOf(subnet)) yield [next, lastOf(subnet)];
}

/** The first aligned, usable block of that length within a gap. At most 3 addresses are unusable, so few steps are in vain. */
function firstIn(facts: NetworkFacts, from: number, to: number, prefix: number): Cidr | undefined {
  const size = sizeOf({ base: 0, prefix });
  for (let base = Math.ceil(from / size) * size; base + size - 1 <= to; base += size) {
    const block = { base, prefix };
    if (usableIn(facts, block) > 0) return block;
  }
  return undefined;
}
