import { createServer, Socket, type SocketConstructorOpts } from 'node:net';
import { SystemError } from './system-error.ts';

/** What of libuv's pipe handle is used here. Node has no public way to make one over a descriptor. */
interface PipeHandle {
  /** Negative errno where it fails. */
  open(fd: number): number;
}
type PipeConstructor = new (type: number) => PipeHandle;

const PIPE_SOCKET = 0;
let pipe: PipeConstructor | undefined;

/**
 * A stream over a socket of any kind: libuv polls it, reads it with read(2) and does not ask what it is, so that of
 * datagram and packet sockets each `data` is one whole packet of at most 64 KiB. The stream owns `fd`. @throws SystemError
 */
export function streamOverFd(fd: number): Socket {
  pipe ??= pipeConstructor();
  const handle = new pipe(PIPE_SOCKET);
  const result = handle.open(fd);
  if (result < 0) throw new SystemError('uv_pipe_open', -result, [fd]);
  // The handle is an option that Node's own code uses; its types know another kind of handle only.
  const options = { handle, readable: true, writable: true, allowHalfOpen: true } as unknown as SocketConstructorOpts;
  return new Socket(options);
}

/** Node shows the class only through a server that listens on a local socket; an abstract one leaves no file. */
function pipeConstructor(): PipeConstructor {
  const server = createServer();
  server.listen(`\0caravela-${process.pid}-${Math.random()}`);
  const { _handle: handle } = server as unknown as { _handle: { constructor: PipeConstructor } };
  server.close();
  return handle.constructor;
}
