import { isIP } from 'node:net';
import { addressTowards, type HostAddress, hostAddresses } from './host-facts.ts';

export interface AddressWish {
  /** `create MACHINE_IP`, `join MACHINE_IP …`, or --advertise. */
  readonly ip: string | undefined;
  readonly interface: string | undefined;
  /** At join: where we are going. */
  readonly bootstrap: string | undefined;
}

/** Which of this host's addresses the others shall use. @throws Error naming the value and the choices */
export async function ownAddress(wish: AddressWish): Promise<string> {
  const addresses = hostAddresses();
  if (wish.ip !== undefined) return checkOwn(wish.ip, addresses);
  if (wish.interface !== undefined) {
    const found = addresses.find((a) => a.interface === wish.interface);
    if (found === undefined)
      throw new Error(`this host has no address on an interface ${JSON.stringify(wish.interface)}; it has ${list(addresses)}`);
    return found.ip;
  }
  // Towards the bootstrap node, else towards anywhere (TEST-NET-1, RFC 5737; nothing is sent).
  const towards = await addressTowards(wish.bootstrap ?? '192.0.2.1');
  if (towards !== undefined && addresses.some((a) => a.ip === towards)) return towards;
  const v4 = addresses.filter((a) => isIP(a.ip) === 4);
  if (v4.length === 1 && v4[0] !== undefined) return v4[0].ip;
  throw new Error(
    addresses.length === 0
      ? 'this host has no network address but loopback: connect it to a network first'
      : `cannot tell which address other nodes reach this host at: it has ${list(addresses)}. Say it with --advertise IP.`,
  );
}

/** @throws Error naming the address and those there are */
export function checkOwn(ip: string, addresses: readonly HostAddress[]): string {
  if (isIP(ip) === 0) throw new Error(`${JSON.stringify(ip)} is not an IP address`);
  if (ip.startsWith('127.') || ip === '::1') return ip;
  if (!addresses.some((a) => a.ip === ip)) {
    throw new Error(`${ip} is not an address of this host: it has ${list(addresses)}. Give one of these, or leave it out.`);
  }
  return ip;
}

function list(addresses: readonly HostAddress[]): string {
  return addresses.length === 0 ? 'none but loopback' : addresses.map((a) => `${a.ip} (${a.interface})`).join(', ');
}
