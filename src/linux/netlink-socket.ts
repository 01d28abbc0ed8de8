import { closeSync } from 'node:fs';
import { checked, libc, libcAsync } from './libc.ts';
import { decodeAttributes, decodeMessages, encodeMessage, NLM_F_ACK, type NetlinkMessage, type NetlinkRequest, textIn } from './netlink.ts';
import { hasCode, SystemError } from './system-error.ts';

/**
 * One netlink socket, bound for good to the network namespace in which it was opened: whoever uses it later, on
 * whatever thread, needs not be there. The kernel works a request off inside send(2), so the answers are there when
 * it returns and nothing here waits for them.
 */
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const MSG_DONTWAIT = 0x40;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_DUMP = 0x300;
const NLM_F_DUMP_INTR = 0x10;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;
/** errno and the header of the request, after which the attributes come where NETLINK_CAP_ACK is set. */
const ERROR_BYTES = 20;
/** Larger than any datagram of the kernel's: dumps come in pieces of at most 32 KiB. */
const RECEIVE_BYTES = 65_536;
/** Answers to one send must fit the receive buffer: at most an error each, of less than 2 KiB with its overhead. */
const REQUESTS_PER_SEND = 128;
const RECEIVE_BUFFER_BYTES = 2 ** 20;
/** A dump during which things changed may lack some: then once more, but not for ever. */
const DUMP_ATTEMPTS = 3;
/** Several times what the receive buffer holds. */
const DRAIN_READS = 20_000;

const socketCall = libc<(domain: number, type: number, protocol: number) => number>('int socket(int domain, int type, int protocol)');
const bindCall = libc<(fd: number, address: Uint8Array, size: number) => number>('int bind(int fd, const uint8_t *address, uint32_t size)');
const getsocknameCall = libc<(fd: number, address: Uint8Array, size: Uint8Array) => number>(
  'int getsockname(int fd, _Out_ uint8_t *address, _Inout_ uint8_t *size)',
);
const setsockoptCall = libc<(fd: number, level: number, option: number, value: Uint8Array, size: number) => number>(
  'int setsockopt(int fd, int level, int option, const uint8_t *value, uint32_t size)',
);
const SEND = 'long send(int fd, const uint8_t *data, size_t size, int flags)';
const sendCall = libc<(fd: number, data: Uint8Array, size: number, flags: number) => number>(SEND);
const sendAsync = libcAsync<[fd: number, data: Uint8Array, size: number, flags: number]>(SEND);
const recvCall = libc<(fd: number, data: Uint8Array, size: number, flags: number) => number>(
  'long recv(int fd, _Out_ uint8_t *data, size_t size, int flags)',
);

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

export class NetlinkSocket {
  readonly fd: number;
  /** Its address among netlink sockets: what the kernel names as the author of changes that it asked for. */
  readonly port: number;
  readonly #received = Buffer.alloc(RECEIVE_BYTES);
  #sequence = 0;

  /** In the calling thread's network namespace. @throws SystemError */
  constructor(protocol: number) {
    this.fd = checked(socketCall(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), 'socket', 'AF_NETLINK', protocol);
    try {
      this.#option(SOL_NETLINK, NETLINK_CAP_ACK, 1);
      this.#option(SOL_NETLINK, NETLINK_EXT_ACK, 1);
      this.#option(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
      this.#option(SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES);
      this.port = bindAnywhere(this.fd);
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
  }

  /** From now on the kernel tells what happens to a kind of object. @throws SystemError */
  join(group: number): void {
    this.#option(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
  }

  /** Sends all, in order, each whatever became of the others; an answer for each: undefined, done. @throws SystemError of the socket itself */
  request(requests: readonly NetlinkRequest[]): (SystemError | undefined)[] {
    return pieces(requests).flatMap((piece) => {
      const bytes = this.#encode(piece);
      checked(sendCall(this.fd, bytes, bytes.length, 0), 'send', 'netlink');
      return this.#answers(piece);
    });
  }

  /** The same with the kernel's work on another thread. One call at a time, and none of `request` or `dump` meanwhile. */
  async requestAsync(requests: readonly NetlinkRequest[]): Promise<(SystemError | undefined)[]> {
    const answers: (SystemError | undefined)[] = [];
    for (const piece of pieces(requests)) {
      const bytes = this.#encode(piece);
      await sendAsync('send', ['netlink'], this.fd, bytes, bytes.length, 0);
      answers.push(...this.#answers(piece));
    }
    return answers;
  }

  /** All objects of a kind, through `decode`, whose argument is a view that holds only during the call. @throws SystemError */
  dump<T>(request: NetlinkRequest, decode: (message: NetlinkMessage) => T | undefined): T[] {
    for (let attempt = 1; ; attempt += 1) {
      const { found, complete } = this.#dumpOnce(request, decode);
      if (complete || attempt === DUMP_ATTEMPTS) return found;
    }
  }

  /**
   * Throws away what has come. A socket that has once been full gets nothing, and is told nothing of it, until all
   * is read: only then what is asked of the kernel and what it tells from then on leave no gap.
   */
  drain(): void {
    for (let reads = 0; reads < DRAIN_READS; reads += 1) {
      try {
        checked(recvCall(this.fd, this.#received, this.#received.length, MSG_DONTWAIT), 'recv', 'netlink');
      } catch (error) {
        if (hasCode(error, 'EAGAIN')) return;
        if (!hasCode(error, 'ENOBUFS')) throw error;
      }
    }
  }

  close(): void {
    closeSync(this.fd);
  }

  #dumpOnce<T>(request: NetlinkRequest, decode: (message: NetlinkMessage) => T | undefined): { found: T[]; complete: boolean } {
    const sequence = this.#next();
    const bytes = encodeMessage(request, NLM_F_DUMP, sequence);
    checked(sendCall(this.fd, bytes, bytes.length, 0), 'send', 'netlink');
    const found: T[] = [];
    let complete = true;
    for (;;) {
      for (const message of this.#receive()) {
        if (message.sequence !== sequence) continue;
        if ((message.flags & NLM_F_DUMP_INTR) !== 0) complete = false;
        if (message.type === NLMSG_DONE || message.type === NLMSG_ERROR) {
          const error = errorIn(message, request.what);
          if (error !== undefined) throw error;
          return { found, complete };
        }
        const object = decode(message);
        if (object !== undefined) found.push(object);
      }
    }
  }

  /** Only the last asks for an acknowledgement: those before it are answered when they fail. */
  #encode(requests: readonly NetlinkRequest[]): Buffer {
    return Buffer.concat(
      requests.map((request, index) => encodeMessage(request, index === requests.length - 1 ? NLM_F_ACK : 0, this.#next())),
    );
  }

  #answers(requests: readonly NetlinkRequest[]): (SystemError | undefined)[] {
    const answers = requests.map((): SystemError | undefined => undefined);
    const first = this.#sequence - requests.length + 1;
    for (;;) {
      for (const message of this.#receive()) {
        const index = message.sequence - first;
        const request = requests[index];
        if (message.type !== NLMSG_ERROR || request === undefined) continue;
        answers[index] = errorIn(message, request.what);
        if (index === requests.length - 1) return answers;
      }
    }
  }

  *#receive(): Generator<NetlinkMessage> {
    const size = checked(recvCall(this.fd, this.#received, this.#received.length, MSG_DONTWAIT), 'recv', 'netlink');
    yield* decodeMessages(this.#received.subarray(0, size));
  }

  #option(level: number, option: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    checked(setsockoptCall(this.fd, level, option, bytes, bytes.length), 'setsockopt', level, option, value);
  }

  /** 1 to 2³¹: 0 is what the kernel's own news carry. */
  #next(): number {
    this.#sequence += 1;
    return this.#sequence;
  }
}

/** What NLMSG_ERROR or NLMSG_DONE says of a request; undefined: done. */
function errorIn({ body, flags }: NetlinkMessage, what: string): SystemError | undefined {
  const errno = body.length < 4 ? 0 : -body.readInt32LE(0);
  if (errno <= 0) return undefined;
  // In words, where the kernel has some: NETLINK_EXT_ACK.
  const words = (flags & NLM_F_ACK_TLVS) === 0 ? '' : textIn(decodeAttributes(body, ERROR_BYTES), NLMSGERR_ATTR_MSG);
  return new SystemError(what, errno, words === '' ? [] : [words]);
}

function pieces(requests: readonly NetlinkRequest[]): (readonly NetlinkRequest[])[] {
  const count = Math.ceil(requests.length / REQUESTS_PER_SEND);
  return Array.from({ length: count }, (_, index) => requests.slice(index * REQUESTS_PER_SEND, (index + 1) * REQUESTS_PER_SEND));
}

/** Lets the kernel choose the port, and asks which: struct sockaddr_nl is family, padding, port, groups. */
function bindAnywhere(fd: number): number {
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK);
  checked(bindCall(fd, address, address.length), 'bind', 'AF_NETLINK');
  const size = Buffer.alloc(4);
  size.writeUInt32LE(address.length);
  checked(getsocknameCall(fd, address, size), 'getsockname', 'AF_NETLINK');
  return address.readUInt32LE(4);
}
