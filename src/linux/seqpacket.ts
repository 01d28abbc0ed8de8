import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { checked, libc } from './libc.ts';

/**
 * A unix socket that keeps packets apart (SOCK_SEQPACKET, unix(7)), as a stream: each `data` is one packet, and each
 * write of which the one before has been called back. Node offers no such socket, but libuv's pipes ask no socket for
 * its type; a pipe is the handle of any unix socket of Node's.
 */

const AF_UNIX = 1;
/** SOCK_SEQPACKET, SOCK_CLOEXEC, SOCK_NONBLOCK. */
const TYPE = 5 | 0o2000000 | 0o4000;
/** PipeConstants.SOCKET */
const PIPE_SOCKET = 0;

const socketCall = libc<(domain: number, type: number, protocol: number) => number>('int socket(int domain, int type, int protocol)');
const connectCall = libc<(fd: number, address: Uint8Array, size: number) => number>(
  'int connect(int fd, const uint8_t *address, uint32_t size)',
);

interface PipeHandle {
  open(fd: number): number | undefined;
}
type PipeClass = new (type: number) => PipeHandle;
interface WithHandle {
  readonly _handle: PipeHandle | null;
}
type SocketOptions = ConstructorParameters<typeof Socket>[0] & { readonly handle: PipeHandle };

/** Connects to the socket at `path`, of any length. Ending one side leaves the other open. @throws SystemError ENOENT, ECONNREFUSED: nobody listens */
export function connectSeqpacket(path: string): Socket {
  // An address has room for 107 bytes: the directory's is spared by way of a descriptor.
  const dir = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return asStream(connected(`/proc/self/fd/${dir}/${basename(path)}`, path));
  } finally {
    closeSync(dir);
  }
}

function connected(at: string, path: string): number {
  const fd = checked(socketCall(AF_UNIX, TYPE, 0), 'socket', 'AF_UNIX');
  try {
    const address = Buffer.alloc(2 + Buffer.byteLength(at) + 1);
    address.writeUInt16LE(AF_UNIX, 0);
    address.write(at, 2);
    checked(connectCall(fd, address, address.length), 'connect', path);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function asStream(fd: number): Socket {
  const handle = new (pipeClass())(PIPE_SOCKET);
  handle.open(fd);
  return new Socket({ handle, readable: true, writable: true, allowHalfOpen: true } as SocketOptions);
}

let known: PipeClass | undefined;

function pipeClass(): PipeClass {
  if (known === undefined) {
    const probe = new Socket().on('error', () => undefined);
    // A name in the abstract namespace that nobody has: the handle is there at once, the refusal comes later.
    probe.connect({ path: '\0caravela-no-such-socket' });
    const { _handle } = probe as unknown as WithHandle;
    probe.destroy();
    if (_handle === null) throw new Error('this Node keeps its sockets’ handles elsewhere: use the one Caravela was released with');
    known = _handle.constructor as PipeClass;
  }
  return known;
}
