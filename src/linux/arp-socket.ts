import { closeSync } from 'node:fs';
import { checked, libc } from './libc.ts';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;
const ETHERNET = 1;
const MAC_BYTES = 6;
const IPV4_BYTES = 4;
const REQUEST = 1;

const socketCall = libc<(domain: number, type: number, protocol: number) => number>('int socket(int domain, int type, int protocol)');
const sendtoCall = libc<(fd: number, data: Uint8Array, size: number, flags: number, to: Uint8Array, toSize: number) => number>(
  'long sendto(int fd, const uint8_t *data, size_t size, int flags, const uint8_t *to, uint32_t toSize)',
);

/**
 * Tells neighbours where an address is (packet(7)), in the network namespace in which it was opened. It receives
 * nothing. Closing one takes the kernel tens of milliseconds: it is to be kept.
 */
export class ArpSocket {
  readonly #fd: number;

  /** Needs CAP_NET_RAW. @throws SystemError */
  constructor() {
    this.#fd = checked(socketCall(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), 'socket', 'AF_PACKET');
  }

  /** All that know `address` on the network of the device `index` know it at `mac` from now on. @throws SystemError ENXIO, ENETDOWN: there is no such device, or it is down */
  announce(index: number, address: number, mac: string): void {
    const frame = announcement(address, mac);
    // struct sockaddr_ll: family, protocol, index; the rest is for receiving.
    const to = Buffer.alloc(20);
    to.writeUInt16LE(AF_PACKET, 0);
    to.writeUInt16BE(ETHERTYPE_ARP, 2);
    to.writeInt32LE(index, 4);
    checked(sendtoCall(this.#fd, frame, frame.length, 0, to, to.length), 'sendto', `device ${index}`);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** An ARP announcement (RFC 5227 §3), to all. */
export function announcement(address: number, mac: string): Buffer {
  const own = Buffer.from(mac.replaceAll(':', ''), 'hex');
  const frame = Buffer.alloc(42);
  frame.fill(0xff, 0, MAC_BYTES);
  own.copy(frame, 6);
  frame.writeUInt16BE(ETHERTYPE_ARP, 12);
  frame.writeUInt16BE(ETHERNET, 14);
  frame.writeUInt16BE(ETHERTYPE_IPV4, 16);
  frame[18] = MAC_BYTES;
  frame[19] = IPV4_BYTES;
  frame.writeUInt16BE(REQUEST, 20);
  own.copy(frame, 22);
  frame.writeUInt32BE(address, 28);
  frame.writeUInt32BE(address, 38);
  return frame;
}
