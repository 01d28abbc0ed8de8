import { closeSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';
import { checked, libc } from './libc.ts';
import { streamOverFd } from './stream-over-fd.ts';
import { hasCode } from './system-error.ts';

/** What to send: an ICMP echo request (RFC 792) that must not be fragmented. */
export interface Ping {
  readonly to: number;
  /** Size of the whole IP packet, at least 28 bytes, which are the headers. */
  readonly packetBytes: number;
  readonly timeoutMs: number;
}

export type PingAnswer =
  | { readonly kind: 'answered'; readonly roundTripMs: number }
  /** Somebody on the way, or this host itself, said that it doesn't fit. */
  | { readonly kind: 'too-big' }
  | { readonly kind: 'silent' }
  /** This host can't send it: errno's name, `ENETUNREACH`. */
  | { readonly kind: 'unsent'; readonly code: string };

const AF_INET = 2;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_IP = 0;
const IPPROTO_ICMP = 1;
const IP_MTU_DISCOVER = 10;
/** Sets DF and takes no account of what was learned before. */
const IP_PMTUDISC_PROBE = 3;
const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;
const IP_BYTES = 20;
const ICMP_BYTES = 8;

const socketCall = libc<(domain: number, type: number, protocol: number) => number>('int socket(int domain, int type, int protocol)');
const connectCall = libc<(fd: number, address: Uint8Array, size: number) => number>(
  'int connect(int fd, const uint8_t *address, uint32_t size)',
);
const setsockoptCall = libc<(fd: number, level: number, option: number, value: Uint8Array, size: number) => number>(
  'int setsockopt(int fd, int level, int option, const uint8_t *value, uint32_t size)',
);

let lastIdentifier = process.pid;

/** One echo request from the calling thread's network namespace. Needs CAP_NET_RAW. @throws SystemError where no raw socket can be had */
export async function ping({ to, packetBytes, timeoutMs }: Ping): Promise<PingAnswer> {
  const fd = checked(socketCall(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP), 'socket', 'ICMP');
  try {
    const probe = Buffer.alloc(4);
    probe.writeInt32LE(IP_PMTUDISC_PROBE);
    checked(setsockoptCall(fd, IPPROTO_IP, IP_MTU_DISCOVER, probe, probe.length), 'setsockopt', 'IP_MTU_DISCOVER');
    checked(connectCall(fd, socketAddress(to), 16), 'connect', 'ICMP');
  } catch (error) {
    closeSync(fd);
    return unsent(error);
  }
  lastIdentifier = (lastIdentifier + 1) & 0xffff;
  return exchange(fd, echoRequest(lastIdentifier, Math.max(packetBytes - IP_BYTES, ICMP_BYTES)), lastIdentifier, timeoutMs);
}

async function exchange(fd: number, request: Buffer, identifier: number, timeoutMs: number): Promise<PingAnswer> {
  const stream = streamOverFd(fd);
  const stop = new AbortController();
  try {
    const began = performance.now();
    const answer = new Promise<PingAnswer>((resolve) => {
      stream.on('data', (packet: Buffer) => {
        if (isReply(packet, identifier)) resolve({ kind: 'answered', roundTripMs: performance.now() - began });
      });
      stream.on('error', (error) => resolve(unsent(error)));
    });
    stream.write(request);
    const silence = after(timeoutMs, { kind: 'silent' } as const, { signal: stop.signal }).catch(() => ({ kind: 'silent' }) as const);
    return await Promise.race([answer, silence]);
  } finally {
    stop.abort();
    stream.destroy();
  }
}

function unsent(error: unknown): PingAnswer {
  if (hasCode(error, 'EMSGSIZE')) return { kind: 'too-big' };
  return { kind: 'unsent', code: error instanceof Error && 'code' in error ? String(error.code) : String(error) };
}

/** An IP packet, header and all, as raw sockets give it. */
export function isReply(packet: Buffer, identifier: number): boolean {
  const at = ((packet[0] ?? 0) & 0x0f) * 4;
  return packet.length >= at + ICMP_BYTES && at >= IP_BYTES && packet[at] === ECHO_REPLY && packet.readUInt16BE(at + 4) === identifier;
}

export function echoRequest(identifier: number, size: number): Buffer {
  const message = Buffer.alloc(size, 0x55);
  message.writeUInt16BE(ECHO_REQUEST * 256, 0);
  message.writeUInt16BE(0, 2);
  message.writeUInt16BE(identifier, 4);
  message.writeUInt16BE(1, 6);
  message.writeUInt16BE(checksum(message), 2);
  return message;
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/** struct sockaddr_in. */
function socketAddress(ip: number): Buffer {
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt32BE(ip, 4);
  return address;
}
