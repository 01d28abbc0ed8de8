import { libc, checked } from '../../../linux/libc.ts';
import { linkIndex } from '../../../linux/link.ts';

/**
 * Sends Ethernet frames as they are, from the network namespace in which it is started, as whoever has CAP_NET_RAW
 * may (packet(7)). `node send-frame.test-suite.ts DEVICE HEX...`
 */
const [device = '', ...frames] = process.argv.slice(2);
const AF_PACKET = 17;
const SOCK_RAW = 3;

const socketCall = libc<(domain: number, type: number, protocol: number) => number>('int socket(int domain, int type, int protocol)');
const sendtoCall = libc<(fd: number, data: Uint8Array, size: number, flags: number, to: Uint8Array, toSize: number) => number>(
  'long sendto(int fd, const uint8_t *data, size_t size, int flags, const uint8_t *to, uint32_t toSize)',
);

// struct sockaddr_ll: family, protocol, index; the rest is for receiving.
const to = Buffer.alloc(20);
to.writeUInt16LE(AF_PACKET, 0);
to.writeInt32LE(linkIndex(device), 4);
const fd = checked(socketCall(AF_PACKET, SOCK_RAW, 0), 'socket', 'AF_PACKET');
for (const hex of frames) {
  const frame = Buffer.from(hex, 'hex');
  checked(sendtoCall(fd, frame, frame.length, 0, to, to.length), 'sendto', device);
}
