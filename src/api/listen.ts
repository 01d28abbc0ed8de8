import { chmod, chown, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Server } from 'node:http';

export interface SocketOptions {
  /** Group id that may use the socket, next to root; undefined: the daemon's own. */
  readonly groupId?: number | undefined;
}

const MODE = 0o660;

/**
 * Listens on a unix socket that root and one group may use. A socket file without a listener, left by
 * a crash, is replaced. @throws Error where another daemon answers on it
 */
export async function listenOnSocket(server: Server, path: string, options: SocketOptions): Promise<void> {
  if (await isAnswered(path)) throw new Error(`another daemon answers on ${path}; stop it, or choose another --run-dir`);
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // Until here the usual umask leaves write, which connecting needs, to root alone.
  if (options.groupId !== undefined) await chown(path, 0, options.groupId);
  await chmod(path, MODE);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
