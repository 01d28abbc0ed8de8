import { type Cidr, blockAt, overlaps, parseIpv4, sizeOf } from '../../lib/ipv4.ts';

/** Where subnets are taken from when none is asked for: after the default network's, /16 each, then /20 of what is left of private use (RFC 1918). */
const POOLS: readonly { readonly pool: Cidr; readonly prefix: number }[] = [
  { pool: range('10.211.0.0', 16), prefix: 16 },
  { pool: range('10.212.0.0', 14), prefix: 16 },
  { pool: range('10.216.0.0', 13), prefix: 16 },
  { pool: range('10.224.0.0', 12), prefix: 16 },
  { pool: range('172.16.0.0', 12), prefix: 16 },
  { pool: range('10.240.0.0', 12), prefix: 20 },
];

/** The first block of the pools that overlaps none of `taken`; undefined: all of them do. */
export function chooseSubnet(taken: readonly Cidr[]): Cidr | undefined {
  for (const { pool, prefix } of POOLS) {
    const step = sizeOf({ base: 0, prefix });
    for (let base = pool.base; base < pool.base + sizeOf(pool); base += step) {
      const block = { base, prefix };
      if (!taken.some((other) => overlaps(other, block))) return block;
    }
  }
  return undefined;
}

function range(text: string, prefix: number): Cidr {
  return blockAt(parseIpv4(text) ?? 0, prefix);
}
