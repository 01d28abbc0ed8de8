import { readFile } from 'node:fs/promises';
import type { HostPort, PortProtocol } from '../../core/model/index.ts';

/** proc(5), /proc/net/tcp: state 0A listens; of UDP sockets, 07 is one that is bound and not connected. */
const FILES: readonly { readonly path: string; readonly protocol: PortProtocol; readonly state: string }[] = [
  { path: '/proc/thread-self/net/tcp', protocol: 'tcp', state: '0A' },
  { path: '/proc/thread-self/net/tcp6', protocol: 'tcp', state: '0A' },
  { path: '/proc/thread-self/net/udp', protocol: 'udp', state: '07' },
  { path: '/proc/thread-self/net/udp6', protocol: 'udp', state: '07' },
];

/** Ports that processes of this network namespace listen on. */
export async function listeningPorts(): Promise<readonly HostPort[]> {
  const found = await Promise.all(
    FILES.map(async ({ path, protocol, state }) => {
      try {
        return parseSockets(await readFile(path, 'latin1'), protocol, state);
      } catch {
        // A kernel without IPv6 has no such file.
        return [];
      }
    }),
  );
  const ports = new Map(found.flat().map((port) => [`${port.protocol} ${port.ip} ${port.port}`, port]));
  return [...ports.values()];
}

const COUNTS = ['/proc/thread-self/net/sockstat', '/proc/thread-self/net/sockstat6'];

/** How many sockets there are of each protocol (proc(5), /proc/net/sockstat): while that stays, so do nearly always those that listen. */
export async function socketCounts(): Promise<string> {
  const texts = await Promise.all(COUNTS.map((path) => readFile(path, 'latin1').catch(() => '')));
  return texts.flatMap((text) => text.match(/^(?:TCP|UDP)6?: inuse \d+/gm) ?? []).join();
}

/** The local sides in this state; those of IPv6 count as every address, but loopback's. */
export function parseSockets(text: string, protocol: PortProtocol, state: string): readonly HostPort[] {
  return text.split('\n').flatMap((line): HostPort[] => {
    const match = /^\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /.exec(line);
    if (match === null || match[3] !== state) return [];
    const [, address = '', port = ''] = match;
    const ip = address.length === 8 ? Buffer.from(address, 'hex').readUInt32LE(0) : ipOfV6(address);
    return ip === undefined ? [] : [{ protocol, ip, port: Number.parseInt(port, 16) }];
  });
}

const ANY_V6 = '0'.repeat(32);
/** ::ffff:0:0/96 (RFC 4291 §2.5.5.2) in the kernel's order of bytes. */
const MAPPED = '0000000000000000FFFF0000';

/** What a socket of IPv6 keeps of IPv4's ports; undefined: nothing. */
function ipOfV6(address: string): number | undefined {
  if (address === ANY_V6) return 0;
  return address.startsWith(MAPPED) ? Buffer.from(address.slice(24), 'hex').readUInt32LE(0) : undefined;
}
