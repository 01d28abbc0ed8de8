import { readFileSync } from 'node:fs';
import { blockAt, type Cidr, formatCidr, overlaps } from '../lib/ipv4.ts';

/** A block that this host reaches by a route of its own. */
export interface HostRoute {
  readonly block: Cidr;
  readonly device: string;
}

/** proc_pid_net(5); of this process's network namespace. */
const ROUTES = '/proc/net/route';
/** RTF_UP and not RTF_REJECT, include/uapi/linux/route.h. */
const UP = 0x1;
const REJECT = 0x200;

/** IPv4 routes that are up, the default route apart. */
export function hostRoutes(path = ROUTES): readonly HostRoute[] {
  return parseRoutes(readFileSync(path, 'utf8'));
}

export function parseRoutes(text: string): readonly HostRoute[] {
  const [, ...lines] = text.split('\n');
  return lines.flatMap((line) => {
    const [device, destination = '', , flags = '', , , , mask = ''] = line.split(/\s+/);
    const [base, bits] = [numberOf(destination), numberOf(mask)];
    if (device === undefined || device === '' || base === undefined || bits === undefined || bits === 0) return [];
    const set = Number.parseInt(flags, 16);
    if ((set & UP) === 0 || (set & REJECT) !== 0) return [];
    return [{ block: blockAt(base, Math.clz32(~bits >>> 0)), device }];
  });
}

/** The kernel prints the address as the host's own number of its bytes, which lie in network order. */
function numberOf(hex: string): number | undefined {
  if (!/^[0-9A-F]{8}$/.test(hex)) return undefined;
  const bytes = Buffer.from(hex, 'hex');
  return isLittleEndian ? bytes.readUInt32LE() : bytes.readUInt32BE();
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** What of these stands in the way of a network with this subnet, in words; undefined: nothing. */
export function routeInTheWay(subnet: Cidr, routes: readonly HostRoute[]): string | undefined {
  const found = routes.find((route) => overlaps(route.block, subnet));
  return found === undefined ? undefined : `its route ${formatCidr(found.block)} (${found.device}) overlaps`;
}
