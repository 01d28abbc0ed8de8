import type { Socket } from 'node:net';
import { framed } from './exchange.ts';
import { DNS_LIMITS } from './limits.ts';

/**
 * Reads a client's questions from a connection, each with its length before it (RFC 7766), and writes the answers as
 * they come, in any order. A client that asks too long, too much at once or nothing whole for a while is cut off, and
 * one that doesn't read what it is told.
 */
export function serveTcp(
  socket: Socket,
  answer: (question: Buffer) => Promise<Buffer | undefined>,
  idleMs: number = DNS_LIMITS.tcpIdleMs,
): void {
  let got: Buffer = Buffer.alloc(0);
  let underWay = 0;
  // Only a question counts: of single bytes a client could go on for ever.
  const idle = setTimeout(() => socket.destroy(), idleMs);
  socket.on('close', () => clearTimeout(idle));
  // What breaks is gone: the client asks again.
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    got = got.length === 0 ? chunk : Buffer.concat([got, chunk]);
    while (got.length >= 2 && !socket.destroyed) {
      const length = got.readUInt16BE(0);
      if (length > DNS_LIMITS.queryBytes || underWay >= DNS_LIMITS.tcpPipelined) {
        socket.destroy();
        return;
      }
      if (got.length < 2 + length) return;
      const question = got.subarray(2, 2 + length);
      got = got.subarray(2 + length);
      idle.refresh();
      void reply(question);
    }
  });

  async function reply(question: Buffer): Promise<void> {
    underWay++;
    const bytes = await answer(question);
    underWay--;
    if (bytes === undefined || socket.writableLength > DNS_LIMITS.tcpUnreadBytes) socket.destroy();
    else if (socket.writable) socket.write(framed(bytes));
  }
}
