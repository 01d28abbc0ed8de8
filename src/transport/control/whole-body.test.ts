import { once } from 'node:events';
import { type ClientHttp2Stream, connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { nodeId } from '../../core/model/index.ts';
import { exchange } from './exchange.ts';
import { markEnds } from './whole-body.ts';

it('is whole when the peer answers all, although the body of the request goes on', async () => {
  const said = JSON.stringify({ message: 'it has already run' });
  const server = createServer((request, response) => {
    markEnds(request, response);
    response.writeHead(409, { 'content-type': 'application/json' }).end(said);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    session.destroy();
    server.close();
  });
  for (let nth = 1; nth <= 10; nth++) {
    const input = new PassThrough();
    const request = { method: 'POST', path: '/exec', headers: {}, body: input, timeoutMs: 10_000 };
    const closed: Promise<unknown>[] = [];
    const opened = (stream: ClientHttp2Stream): void => void closed.push(once(stream, 'close'));
    const { status, body } = await exchange(session, nodeId('b'.repeat(32)), request, new AbortController().signal, opened);
    // The peer closes what it need not read: our side of it fails before anybody has read the answer.
    await Promise.allSettled(closed);
    expect([nth, status, await text(body)]).toEqual([nth, 409, said]);
    input.destroy();
  }
});
