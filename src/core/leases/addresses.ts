import { holds, lastOf, sizeOf } from '../../lib/ipv4.ts';
import type { Cidr } from '../../lib/ipv4.ts';
import type { NetworkFacts } from './port.ts';
import { LEASES } from './tunables.ts';

/** Prefix length of a network's whole blocks: /26 of a /16, /29 of a /24, /31 of a /28, /32 of a /30. */
export function blockPrefix({ prefix }: Cidr): number {
  return 32 - Math.min(LEASES.blockBits, Math.floor((32 - prefix) * LEASES.blockShare));
}

/** Why an address of a network can't be any container's. */
export function unfit({ subnet, gateway }: NetworkFacts, address: number): 'outside' | 'network' | 'broadcast' | 'gateway' | undefined {
  if (!holds(subnet, address)) return 'outside';
  if (address === gateway) return 'gateway';
  if (address === subnet.base) return 'network';
  if (address === lastOf(subnet)) return 'broadcast';
  return undefined;
}

/** How many addresses of a block within the network can be a container's. */
export function usableIn(facts: NetworkFacts, block: Cidr): number {
  const unusable = new Set([facts.subnet.base, facts.gateway, lastOf(facts.subnet)]);
  let usable = sizeOf(block);
  for (const address of unusable) if (holds(block, address)) usable -= 1;
  return usable;
}
