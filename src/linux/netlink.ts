import { closeSync } from 'node:fs';
import { SystemError } from './system-error.ts';
import { checked, libc } from './libc.ts';

/**
 * Route netlink (RFC 3549, rtnetlink(7)): requests as bytes, answered by acknowledgements. The kernel
 * works a request off inside send(2), so the answer is there when it returns and nothing here waits.
 */
export interface NetlinkRequest {
  readonly type: number;
  /** On top of NLM_F_REQUEST and NLM_F_ACK. */
  readonly flags: number;
  readonly body: Buffer;
}

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const MSG_DONTWAIT = 0x40;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLMSG_ERROR = 2;
const HEADER_BYTES = 16;
const RECEIVE_BYTES = 65_536;

const socketCall = libc<(domain: number, type: number, protocol: number) => number>('int socket(int domain, int type, int protocol)');
const sendCall = libc<(fd: number, data: Uint8Array, size: number, flags: number) => number>(
  'long send(int fd, const uint8_t *data, size_t size, int flags)',
);
const recvCall = libc<(fd: number, data: Uint8Array, size: number, flags: number) => number>(
  'long recv(int fd, _Out_ uint8_t *data, size_t size, int flags)',
);

/** Sends one request in the calling thread's network namespace and awaits its acknowledgement. @throws SystemError named `what` */
export function netlink(request: NetlinkRequest, what: string): void {
  const fd = checked(socketCall(AF_NETLINK, SOCK_RAW_CLOEXEC, 0), 'socket', 'AF_NETLINK');
  try {
    const message = encodeRequest(request, 1);
    checked(sendCall(fd, message, message.length, 0), 'send', what);
    const reply = Buffer.alloc(RECEIVE_BYTES);
    const size = checked(recvCall(fd, reply, reply.length, MSG_DONTWAIT), 'recv', what);
    const errno = acknowledgement(reply.subarray(0, size), 1);
    if (errno !== 0) throw new SystemError(what, errno, []);
  } finally {
    closeSync(fd);
  }
}

export function encodeRequest(request: NetlinkRequest, sequence: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(HEADER_BYTES + request.body.length, 0);
  header.writeUInt16LE(request.type, 4);
  header.writeUInt16LE(request.flags | NLM_F_REQUEST | NLM_F_ACK, 6);
  header.writeUInt32LE(sequence, 8);
  return Buffer.concat([header, request.body, Buffer.alloc(align(request.body.length) - request.body.length)]);
}

/** One route attribute (struct rtattr) around `value`. */
export function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(align(4 + value.length));
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}

/** The errno (0: done) of the acknowledgement with this sequence number in a datagram of the kernel's. */
function acknowledgement(reply: Buffer, sequence: number): number {
  for (let offset = 0; offset + HEADER_BYTES + 4 <= reply.length; ) {
    const size = reply.readUInt32LE(offset);
    if (reply.readUInt16LE(offset + 4) === NLMSG_ERROR && reply.readUInt32LE(offset + 8) === sequence) {
      return -reply.readInt32LE(offset + HEADER_BYTES);
    }
    offset += Math.max(align(size), HEADER_BYTES);
  }
  throw new Error('netlink answered without an acknowledgement');
}

const align = (size: number): number => (size + 3) & ~3;
