import { createSocket, type Socket } from 'node:dgram';
import { inNetns } from '../../../src/linux/netns.ts';

/**
 * A UDP socket in the network namespace at `path`. Node binds later where a name may have to be looked up; here
 * nothing has, so that it is bound before the thread comes home. What fails is told by the socket's 'error'.
 */
export function socketIn(path: string, address: string, port: number): Socket {
  return inNetns(path, () => {
    const socket = createSocket({
      type: 'udp4',
      recvBufferSize: 1 << 20,
      lookup: (name, _options, done) => done(null, name, 4),
    });
    socket.bind({ address, port, exclusive: true });
    return socket;
  });
}

/** Sends; what can't be sent is lost, as on any network. */
export function sendFrom(socket: Socket, bytes: Buffer, address: string, port: number): void {
  try {
    socket.send(bytes, port, address, () => undefined);
  } catch {
    // It was closed meanwhile.
  }
}
