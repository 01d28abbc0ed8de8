import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { framed } from './exchange.ts';
import { DNS_LIMITS } from './limits.ts';
import { serveTcp } from './tcp-client.ts';

let server: Server;
let client: Socket;
let theirs: Socket;

/** @param idleMs undefined: as in earnest */
async function open(answer: () => Promise<Buffer>, idleMs?: number): Promise<void> {
  server.on('connection', (socket) => serveTcp(socket, answer, idleMs));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  [theirs] = (await accepted) as [Socket];
}

beforeEach(() => {
  server = createServer();
});
afterEach(() => {
  client.destroy();
  server.close();
});

test('a client that asks and asks and never reads is cut off before it costs much memory', async () => {
  const answer = Buffer.alloc(60_000);
  await open(() => Promise.resolve(answer));
  client.pause().setNoDelay(true);
  let most = 0;
  // More than kernels keep for a connection, and much more than we do.
  for (let asked = 0; asked < 2_000 && !theirs.destroyed; asked++) {
    const read = theirs.bytesRead;
    client.write(framed(Buffer.alloc(12)));
    await vi.waitFor(() => expect(theirs.bytesRead > read || theirs.destroyed).toBe(true), { interval: 1 });
    most = Math.max(most, theirs.writableLength);
  }
  expect(theirs.destroyed).toBe(true);
  expect(most).toBeLessThan(DNS_LIMITS.tcpUnreadBytes + DNS_LIMITS.tcpPipelined * (answer.length + 2));
});

test('a client that dribbles a question is cut off as one that says nothing; one that asks is not', async () => {
  await open(() => Promise.resolve(Buffer.alloc(12)), 1_000);
  const question = framed(Buffer.alloc(12));
  for (let asked = 0; asked < 4; asked++) {
    client.write(question);
    await once(client, 'data');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(theirs.destroyed).toBe(false);
  const ended = once(theirs, 'close');
  for (const byte of question.subarray(0, 12)) {
    if (theirs.destroyed) break;
    client.write(Buffer.from([byte]));
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  expect(theirs.destroyed).toBe(true);
  await ended;
});
