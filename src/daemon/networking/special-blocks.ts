import { type Cidr, formatCidr, overlaps, parseCidr } from '../../lib/ipv4.ts';

/** Benchmarks' range (RFC 2544), which nobody routes: nodes have their inner addresses of it. */
export const INNER_RANGE: Cidr = parseCidr('198.18.0.0/15') ?? { base: 0, prefix: 32 };

/** RFC 6890: this network, the host itself, the link; groups (RFC 5771) and what is reserved. */
const NOT_FOR_HOSTS = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'].flatMap((text) => parseCidr(text) ?? []);

/** Why no network can have this subnet, on any host; undefined: one can. */
export function whyNoSubnet(subnet: Cidr): string | undefined {
  if (NOT_FOR_HOSTS.some((block) => overlaps(block, subnet)))
    return `${formatCidr(subnet)} is not for hosts: take one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16`;
  if (overlaps(INNER_RANGE, subnet))
    return `${formatCidr(subnet)} overlaps ${formatCidr(INNER_RANGE)}, where nodes have their inner addresses: take another`;
  return undefined;
}
