import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Exchange } from './exchange.ts';
import { Recorder } from './recorder.ts';

export interface RecordingProxy {
  readonly socket: string;
  close(): Promise<void>;
}

/**
 * A unix socket in front of a daemon's. Bytes go through as they come, with their back-pressure and their half-closed
 * ends, so that clients see the daemon itself; each exchange is told when it is over.
 */
export async function recordingProxy(
  socket: string,
  target: string,
  tell: (exchange: Exchange) => void,
  complain: (what: string) => void,
): Promise<RecordingProxy> {
  rmSync(socket, { force: true });
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const daemon = connect({ path: target, allowHalfOpen: true });
    const recorder = new Recorder(tell, complain);
    let clientEnded = false;
    let closed = false;
    const over = () => {
      if (closed) return;
      closed = true;
      recorder.closed(clientEnded);
    };
    // Where both sides are closed for a client's failure, the daemon's may be closed first.
    for (const event of ['end', 'error', 'close']) client.on(event, () => (clientEnded = true));
    for (const [each, other] of [
      [client, daemon],
      [daemon, client],
    ] as const) {
      open.add(each);
      each.on('error', () => other.destroy());
      each.on('close', () => {
        open.delete(each);
        over();
        // What came before an orderly end is still on its way.
        if (!each.readableEnded) other.destroy();
      });
    }
    client.on('data', (data: Buffer) => recorder.fromClient(data));
    daemon.on('data', (data: Buffer) => recorder.fromDaemon(data));
    daemon.on('end', over);
    client.pipe(daemon);
    daemon.pipe(client);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socket, resolve));
  return { socket, close: () => closeAll(server, open) };
}

async function closeAll(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of open) socket.destroy();
  await closed;
}
