import { holds, lastOf, sizeOf } from '../../lib/ipv4.ts';
import type { Cidr } from '../../lib/ipv4.ts';
import type { NetworkFacts } from '../../core/leases/port.ts';
import type { Lease, NodeId } from '../../core/model/index.ts';
import { ownerOf } from './lease-cluster.ts';

/** The rules' own arithmetic, address by address: slow, and nothing like the machine's. */
export function usableAddresses({ subnet, gateway }: NetworkFacts, block: Cidr): number[] {
  const all = Array.from({ length: sizeOf(block) }, (_, i) => block.base + i);
  return all.filter((address) => address !== subnet.base && address !== lastOf(subnet) && address !== gateway);
}

/** Addresses of a lease that its node may hand out. */
export function usableOf(facts: NetworkFacts, leases: readonly Lease[], { node, block }: Lease): number {
  return usableAddresses(facts, block).filter((address) => ownerOf(leases, address) === node).length;
}

/** A lease of the node's that should have gone back long ago; undefined: none. */
export function surplusOf(
  facts: NetworkFacts,
  leases: readonly Lease[],
  node: NodeId,
  used: readonly number[],
  isDefault: boolean,
): Cidr | undefined {
  const own = leases.filter((lease) => lease.node === node);
  const total = own.reduce((sum, lease) => sum + usableOf(facts, leases, lease), 0);
  const idle = own.filter(({ block }) => !used.some((address) => holds(block, address)));
  if (isDefault && own.length === 1) return undefined;
  return idle.find((lease) => {
    const isCeded = lease.block.prefix === 32 && leases.some((each) => each.node !== node && holds(each.block, lease.block.base));
    return isCeded || used.length * 4 <= total - usableOf(facts, leases, lease);
  })?.block;
}
